/** Removals, which the peer carries out after a while: in every view they can be undone until then. */
import { useEffect } from 'preact/hooks';
import type { Removal } from '../../src/client/answers.ts';
import { call } from './api.ts';
import { live } from './live.ts';
import { Shared, useShared } from './shared.ts';
import { visible } from './shown.ts';
import { text } from './strings/text.ts';

export const removals = new Shared<readonly Removal[]>([]);

const askMilliseconds = 1000;
let waiting: ReturnType<typeof setTimeout> | null = null;

async function ask(): Promise<void> {
  if (waiting !== null) clearTimeout(waiting);
  waiting = null;
  try {
    const known = (await call('GET /api/v1/removals')).removals;
    if (known.length > 0 || removals.value.length > 0) removals.set(known);
  } catch {
    // Asked again while something is shown.
  }
  if (removals.value.some(({ state }) => state !== 'failed')) waiting ??= setTimeout(() => void ask(), askMilliseconds);
}

/** Files that this peer has put, by name. */
export async function beginRemoval(names: readonly string[]): Promise<void> {
  const begun = await call('POST /api/v1/removals', { body: { names: [...names] } });
  removals.set([...removals.value, begun]);
  waiting ??= setTimeout(() => void ask(), askMilliseconds);
}

async function undo(id: string): Promise<void> {
  await call('DELETE /api/v1/removals/{id}', { path: { id } }).catch(() => undefined);
  await ask();
}

export function RemovalNotes() {
  const all = useShared(removals);
  useEffect(() => {
    void ask();
    // Begun in another window.
    return live.listen(() => {
      if (live.events[0]?.kind === 'removed') void ask();
    });
  }, []);
  if (all.length === 0) return null;
  return (
    <div class="notes" role="status">
      {all.map(({ id, names, state, failures }) => {
        const first = visible(names[0] ?? '');
        return (
          <p key={id}>
            {state === 'failed' ? (
              <span class="bad">
                {text.list.notRemoved(failures.length, visible(failures[0]?.name ?? ''))} {failures[0]?.problem}
              </span>
            ) : (
              <span>{text.list.removing(names.length, first)}</span>
            )}
            {state === 'running' ? null : (
              <button type="button" onClick={() => void undo(id)}>
                {state === 'failed' ? text.parts.close : text.list.undo}
              </button>
            )}
          </p>
        );
      })}
    </div>
  );
}
