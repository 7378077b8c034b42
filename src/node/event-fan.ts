import type { PeerEvent } from './peer.ts';
import type { StoryLine } from './ring-story.ts';

/** Hands each line on to everybody who listens. A listener that throws harms no other. */
export class EventFan {
  readonly #listeners = new Set<(event: PeerEvent) => void>();

  #named = (text: string): string => text;

  constructor(first?: (event: PeerEvent) => void) {
    if (first !== undefined) this.#listeners.add(first);
  }

  /** Puts the names of peers into lines that carry their ids. */
  callPeers(named: (text: string) => string): void {
    this.#named = named;
  }

  tell(line: StoryLine): void {
    const event: PeerEvent = { time: new Date().toISOString(), ...line, text: this.#named(line.text) };
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // Many lines are told in the middle of a commit of the ring, which must not break off for a listener's bug.
        console.error(`A bug while telling of ${event.kind}:`, error);
      }
    }
  }

  add(listener: (event: PeerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
