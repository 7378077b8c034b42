/** A value of the whole page: components that use it are drawn again when it changes. */
import { useEffect, useState } from 'preact/hooks';

export class Shared<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    this.#value = value;
    for (const listener of this.#listeners) listener();
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export function useShared<T>(shared: Shared<T>): T {
  const [, redraw] = useState(0);
  useEffect(() => {
    const changed = () => redraw((count) => count + 1);
    const stop = shared.listen(changed);
    // It may have changed between the drawing and now.
    changed();
    return () => void stop();
  }, [shared]);
  return shared.value;
}
