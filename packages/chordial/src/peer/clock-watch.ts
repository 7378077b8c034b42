/**
 * Compares this peer's clock with those of others (`clock.read {}` → `{time}`, milliseconds since 1970). Sequences and
 * expiry of records depend on clocks, so one that is off by more than a minute is reported: in the log, by `doctor`, on
 * the page, and in errors that it may cause. The clock is never adjusted.
 */

import type { Clock, Contact, Milliseconds, Timer } from '@chordial/ring';
import { draw } from '../flow/draw.ts';
import type { AskingPorts } from '../network/members-exchange.ts';
import { TransportError } from '../network/transport.ts';
import { type Said, said } from '../sentences.ts';
import { Message, type Registry } from '../wire/message.ts';
import { map, uint } from '../wire/schema.ts';

/** Milliseconds since 1970 by the clock of the peer asked. */
export const clockMessages = { read: new Message('clock.read', map({}), map({ time: uint })) };

export interface ClockDifference {
  /** Seconds by which this clock is ahead of the median of those asked; negative when behind. */
  readonly ahead: number;
  /** Number of peers that answered. */
  readonly peers: number;
}

/** spec/4 refuses dates 10 minutes ahead; this is reported long before. */
const toldAfterSeconds = 60;
const askConcurrency = 8;
const askEveryMilliseconds: Milliseconds = 60_000;
const firstAskMilliseconds: Milliseconds = 1000;
/** How often a clock change is looked for, and its minimum size. */
const lookEveryMilliseconds: Milliseconds = 5000;
const setByMilliseconds: Milliseconds = 2000;
const deadlineMilliseconds: Milliseconds = 3000;

export class ClockWatch {
  readonly #ports: AskingPorts;
  readonly #report: (line: Said) => void;
  #timer: Timer | null = null;
  #askAt: Milliseconds;
  /** Wall time minus monotonic time: changes when the clock is set. */
  #base: Milliseconds;
  #difference: ClockDifference | null = null;
  #told: number | null = null;
  #closed = false;

  /** @param report called when the clock turns out to be off, with the offset, and when it is right again */
  constructor(ports: AskingPorts, report: (line: Said) => void) {
    this.#ports = ports;
    this.#report = report;
    this.#base = baseOf(ports.clock);
    this.#askAt = ports.clock.now() + firstAskMilliseconds;
    this.#again(firstAskMilliseconds);
  }

  /** Null until another peer has answered. */
  get difference(): ClockDifference | null {
    return this.#difference;
  }

  /** A sentence when the clock is off by more than a minute, else null. */
  get note(): string | null {
    const difference = this.#difference;
    return difference === null || Math.abs(difference.ahead) <= toldAfterSeconds ? null : clockOff(difference).text;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  answerIn<Payload>(registry: Registry<Contact, Payload>): Registry<Contact, Payload> {
    const { clock } = this.#ports;
    return registry.on(clockMessages.read, () => ({ time: Math.max(0, Math.round(clock.wallTime())) }));
  }

  #again(delay: Milliseconds): void {
    this.#timer = this.#ports.clock.after(delay, () => {
      this.#look().finally(() => {
        if (!this.#closed) this.#again(lookEveryMilliseconds);
      });
    });
  }

  async #look(): Promise<void> {
    const { clock } = this.#ports;
    const base = baseOf(clock);
    const wasSet = Math.abs(base - this.#base) > setByMilliseconds;
    this.#base = base;
    if (!wasSet && clock.now() < this.#askAt) return;
    this.#askAt = clock.now() + (this.#difference === null ? 0 : askEveryMilliseconds);
    const asked = draw(this.#ports.random, this.#ports.hosts(), askConcurrency);
    const answers = (await Promise.all(asked.map((host) => this.#aheadOf(host)))).filter((one) => one !== null);
    if (this.#closed || answers.length === 0) return;
    answers.sort((a, b) => a - b);
    this.#difference = { ahead: answers[Math.floor((answers.length - 1) / 2)]!, peers: answers.length };
    this.#askAt = clock.now() + askEveryMilliseconds;
    this.#tell(this.#difference);
  }

  #tell(difference: ClockDifference): void {
    const isOff = Math.abs(difference.ahead) > toldAfterSeconds;
    if (isOff && (this.#told === null || Math.abs(difference.ahead - this.#told) > toldAfterSeconds)) {
      this.#told = difference.ahead;
      this.#report(clockOff(difference));
    }
    if (isOff || this.#told === null) return;
    this.#told = null;
    this.#report(said('clock-set', {}, "This peer's clock agrees with others again."));
  }

  /** Seconds, or null without a valid answer. */
  async #aheadOf(host: Contact): Promise<number | null> {
    const { clock, transport } = this.#ports;
    const began = clock.now();
    try {
      const { time: theirs } = await clockMessages.read.ask(transport, host, {}, { deadline: deadlineMilliseconds });
      return (clock.wallTime() - (clock.now() - began) / 2 - theirs) / 1000;
    } catch (error) {
      if (error instanceof TransportError) return null;
      throw error;
    }
  }
}

function baseOf(clock: Clock): Milliseconds {
  return clock.wallTime() - clock.now();
}

export function clockOff({ ahead, peers }: ClockDifference): Said {
  const which = peers === 1 ? 'that of the peer' : `those of the ${peers} peers`;
  const text = `This peer's clock is ${shownDuration(Math.abs(ahead))} ${ahead > 0 ? 'ahead of' : 'behind'} ${which} asked: its entries may be refused, and entries of others not be seen. Set the clock, best by NTP.`;
  return said('clock-off', { seconds: Math.round(Math.abs(ahead)), isAhead: ahead > 0, peers }, text);
}

/** `2 h 0 min`, `3 d 4 h`, `90 s`: the two largest units. */
function shownDuration(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor((whole % 86_400) / 3600), 'h'],
    [Math.floor((whole % 3600) / 60), 'min'],
    [whole % 60, 's'],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}
