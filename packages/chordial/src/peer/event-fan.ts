import type { Said } from '../sentences.ts';
import type { PeerEvent } from './peer.ts';
import type { StoryLine } from './ring-story.ts';

/** Passes events to all listeners. A listener that throws does not affect the others. */
export class EventFan {
  readonly #listeners = new Set<(event: PeerEvent) => void>();

  #named = (text: string): string => text;

  constructor(first?: (event: PeerEvent) => void) {
    if (first !== undefined) this.#listeners.add(first);
  }

  /** Puts names of peers into lines that carry their ids. */
  callPeers(named: (text: string) => string): void {
    this.#named = named;
  }

  tell(line: StoryLine): void {
    const event: PeerEvent = {
      time: new Date().toISOString(),
      ...line,
      text: this.#named(line.text),
      ...(line.values === undefined ? {} : { values: this.#valuesOf(line.values) }),
    };
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // Many events are emitted inside a commit of the ring, which a listener's bug must not abort.
        console.error(`A bug while reporting ${event.kind}:`, error);
      }
    }
  }

  #valuesOf(values: Said['values']): Said['values'] {
    const named = (value: unknown) => (typeof value === 'string' ? this.#named(value) : value);
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, named(value)]));
  }

  add(listener: (event: PeerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
