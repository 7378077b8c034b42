/** The last minutes of the ring as the peer recorded them: a slider over them, and a button that lets them pass. */
import { useEffect, useState } from 'preact/hooks';
import type { RingRecording } from '../../../src/client/answers.ts';
import { call } from '../api.ts';
import { Failure, useAction } from '../parts.tsx';
import { type Happening, happeningsIn } from '../ring-replay.ts';
import { clockTime, visible } from '../shown.ts';
import { text } from '../strings/text.ts';

/** Five minutes pass in ten seconds. */
const speed = 30;
const frameMilliseconds = 100;
/** Where the reader wants less motion, from one happening to the next. */
const pauseMilliseconds = 1500;

export interface Replayed {
  readonly recording: RingRecording;
  /** Unix time in milliseconds. */
  readonly time: number;
}

interface ReplayProps {
  readonly replayed: Replayed | null;
  readonly show: (replayed: Replayed | null | ((now: Replayed | null) => Replayed | null)) => void;
}

export function Replay({ replayed, show }: ReplayProps) {
  const { run, isBusy, refusal } = useAction(async () => {
    const recording = await call('GET /api/v1/ring/recording');
    show({ recording, time: Date.parse(recording.from) });
  });
  if (replayed === null) {
    return (
      <div class="replay">
        <button type="button" onClick={() => void run()} disabled={isBusy}>
          {text.ring.replay}
        </button>
        <Failure failure={refusal} />
      </div>
    );
  }
  return <Player {...replayed} show={show} />;
}

function Player({ recording, time, show }: Replayed & Pick<ReplayProps, 'show'>) {
  const [from, until] = [Date.parse(recording.from), Date.parse(recording.until)];
  const happenings = happeningsIn(recording);
  const [isPlaying, setIsPlaying] = useState(!recording.isTooLarge);
  // What was left meanwhile does not come back.
  const set = (to: number) =>
    show((now) => (now === null ? null : { recording, time: Math.max(from, Math.min(until, to)) }));
  useEffect(() => {
    if (!isPlaying) return;
    if (time >= until) return setIsPlaying(false);
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const next = isStill ? nextOf(happenings, time, until) : time + frameMilliseconds * speed;
    const timer = setTimeout(() => set(next), isStill ? pauseMilliseconds : frameMilliseconds);
    return () => clearTimeout(timer);
  }, [isPlaying, time]);
  const shown = happenings.filter((one) => Date.parse(one.time) <= time);
  const play = () => {
    if (time >= until) set(from);
    setIsPlaying(true);
  };
  return (
    <section class="replay" aria-label={text.ring.replay}>
      <div class="line">
        <button type="button" class="primary" onClick={() => (isPlaying ? setIsPlaying(false) : play())}>
          {isPlaying ? text.ring.pause : text.ring.play}
        </button>
        <input
          class="grow"
          type="range"
          min={from}
          max={until}
          step={1000}
          value={time}
          aria-label={text.ring.moment}
          aria-valuetext={clockTime(time)}
          onInput={({ currentTarget }) => {
            setIsPlaying(false);
            set(currentTarget.valueAsNumber);
          }}
        />
        <output>{clockTime(time)}</output>
        <button type="button" onClick={() => show(null)}>
          {text.ring.live}
        </button>
      </div>
      <p class="soft">
        {recording.isTooLarge ? text.ring.tooLarge : text.ring.recordedFrom(clockTime(from))}
        {happenings.length === 0 && !recording.isTooLarge ? ` ${text.ring.unchanged}` : ''}
      </p>
      <ol class="happened" aria-live="polite">
        {shown
          .slice(-maxShown)
          .toReversed()
          .map(({ time: at, kind, id, name, places }) => (
            <li key={`${at} ${kind} ${id}`}>
              <time dateTime={at}>{clockTime(Date.parse(at))}</time> {text.ring[kind](visible(name), places)}
            </li>
          ))}
      </ol>
    </section>
  );
}

const maxShown = 6;

function nextOf(happenings: readonly Happening[], time: number, until: number): number {
  const next = happenings.map((one) => Date.parse(one.time)).find((at) => at > time);
  return next ?? until;
}
