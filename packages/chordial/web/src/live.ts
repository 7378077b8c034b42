/** Live updates: one event stream for the whole page, and queries that are repeated after events. */
import { useEffect, useState } from 'preact/hooks';
import { callOf, type Given, type GivenArguments } from '../../src/client/call.ts';
import type { AnswerOf, OperationName } from '../../src/client/operations.ts';
import type { SentenceCode } from '../../src/sentences.ts';
import { type ApiFailure, send } from './api.ts';

/** An event of the peer. */
export interface PeerEvent {
  readonly time: string;
  readonly kind: string;
  readonly text: string;
  readonly code?: SentenceCode;
  readonly values?: object;
  readonly detail?: Readonly<Record<string, unknown>>;
  readonly level?: string;
}

const maxKeptEvents = 200;
/** Past events loaded at the start. */
const eventsOfBefore = 60;
/** A burst of events triggers one query. */
const minMillisecondsBetween = 500;

type Listener = () => void;

class LiveEvents {
  #events: readonly PeerEvent[] = [];
  #connected = true;
  readonly #listeners = new Set<Listener>();
  #source: EventSource | null = null;

  /** Newest first. */
  get events(): readonly PeerEvent[] {
    return this.#events;
  }

  get connected(): boolean {
    return this.#connected;
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    this.#source ??= this.#open();
    return () => this.#listeners.delete(listener);
  }

  /** What was changed by this page without an event of the peer is asked for again. */
  changed(): void {
    this.#tell();
  }

  #open(): EventSource {
    const source = new EventSource(`/api/v1/events?last=${eventsOfBefore}`);
    source.onmessage = ({ data }: MessageEvent<string>) => {
      this.#events = [JSON.parse(data) as PeerEvent, ...this.#events].slice(0, maxKeptEvents);
      this.#tell();
    };
    source.onopen = () => this.#setConnected(true);
    source.onerror = () => this.#setConnected(false);
    return source;
  }

  #setConnected(connected: boolean): void {
    this.#connected = connected;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export const live = new LiveEvents();

/** The events so far, newest first, and whether the peer is reachable. */
export function useEvents(): { readonly events: readonly PeerEvent[]; readonly connected: boolean } {
  const [, redraw] = useState(0);
  useEffect(() => live.listen(() => redraw((count) => count + 1)), []);
  return { events: live.events, connected: live.connected };
}

export interface Answer<T> {
  /** Null until the first response. */
  readonly value: T | null;
  /** Why the last query failed; the previous value stays. */
  readonly failure: ApiFailure | null;
  readonly again: () => void;
}

/**
 * Queries now unless `given` is null, periodically while the page is visible, and unless that is enough after every
 * event.
 */
export function useAnswer<N extends OperationName>(
  operation: N,
  given: Given<N> | null,
  everyMilliseconds: number,
  when: 'periodically' | 'after events' = 'after events',
): Answer<AnswerOf<N>> {
  const path = given === null ? null : callOf(operation, ...([given] as GivenArguments<N>)).route;
  const [value, setValue] = useState<AnswerOf<N> | null>(null);
  const [failure, setFailure] = useState<ApiFailure | null>(null);
  const [asked, setAsked] = useState(0);

  useEffect(() => {
    setValue(null);
    setFailure(null);
  }, [path]);

  useEffect(() => {
    if (path === null) return;
    const ending = new AbortController();
    let last = 0;
    let waiting: ReturnType<typeof setTimeout> | null = null;
    const ask = async (): Promise<void> => {
      waiting = null;
      last = Date.now();
      try {
        const answer = await send<AnswerOf<N>>('GET', path, undefined, ending.signal);
        if (ending.signal.aborted) return;
        setValue(answer);
        setFailure(null);
      } catch (error) {
        if (!ending.signal.aborted) setFailure(error as ApiFailure);
      }
    };
    const soon = (): void => {
      if (document.hidden) return;
      waiting ??= setTimeout(ask, Math.max(0, last + minMillisecondsBetween - Date.now()));
    };
    soon();
    const stop = live.listen(when === 'periodically' ? () => undefined : soon);
    const timer = setInterval(soon, everyMilliseconds);
    document.addEventListener('visibilitychange', soon);
    return () => {
      ending.abort();
      stop();
      clearInterval(timer);
      if (waiting !== null) clearTimeout(waiting);
      document.removeEventListener('visibilitychange', soon);
    };
  }, [path, everyMilliseconds, asked, when]);

  return { value, failure, again: () => setAsked((count) => count + 1) };
}
