/** A receiver's side: asks with the words of a code until a guardian proves that it knows them, and tells where it leads. */
import { ChordialError } from '../errors.ts';
import type { Code } from './code.ts';
import { type BeginBody, beginBody, type ConfirmBody, confirmBody, readBegun, readTold } from './code-json.ts';
import { maxGuardians } from './code-messages.ts';
import { type CodeTarget, readTarget } from './code-target.ts';
import { maxSendersOfNumber } from './codes.ts';
import { Asking, type RandomBytes } from './exchange.ts';

/** A door or a peer, which only passes on what is said. */
export interface Meeting {
  begin(number: number, body: BeginBody): Promise<unknown>;
  confirm(number: number, body: ConfirmBody): Promise<unknown>;
}

type Begun = ReturnType<typeof readBegun>;
/** `wrong`: the words. `gone`: it keeps the code no longer. `improper`: it lies or fell silent. */
type End = CodeTarget | 'wrong' | 'gone' | 'improper';

/** Null where no guardian knows these words. Rejects with `not-found`, `busy`, `no-live-source` and what the place throws. */
export async function meet(place: Meeting, code: Code, random: RandomBytes): Promise<CodeTarget | null> {
  const ends = new Set<End>();
  let turn = { sender: 0, guardian: 0 };
  for (let tries = 0; tries < maxSendersOfNumber * maxGuardians; tries++) {
    const asking = new Asking(code, random);
    const begun = await begin(place, code.number, beginBody(asking.question, turn));
    if (begun instanceof ChordialError) {
      if (!ends.has('wrong') && !ends.has('improper')) throw begun;
      break;
    }
    const end = await confirm(place, code.number, asking, begun);
    if (typeof end !== 'string') return end;
    ends.add(end);
    // A door that sends it back would keep it going round.
    const { sender, guardian } = isBehind(begun.turn, turn) ? turn : begun.turn;
    turn = end === 'wrong' ? { sender: sender + 1, guardian: 0 } : { sender, guardian: guardian + 1 };
  }
  if (ends.has('wrong')) return null;
  throw new ChordialError('no-live-source', 'No member that keeps this code gives a proper answer. Try again later.');
}

function isBehind(one: Begun['turn'], other: Begun['turn']): boolean {
  return one.sender < other.sender || (one.sender === other.sender && one.guardian < other.guardian);
}

/** The end of all that can be asked is no failure after wrong words. */
async function begin(place: Meeting, number: number, body: BeginBody): Promise<Begun | ChordialError> {
  try {
    return readBegun(await place.begin(number, body));
  } catch (error) {
    if (error instanceof ChordialError && (error.code === 'not-found' || error.code === 'no-live-source')) return error;
    throw error;
  }
}

async function confirm(place: Meeting, number: number, asking: Asking, begun: Begun): Promise<End> {
  const confirmation = asking.confirm(begun, begun.pointBytes);
  if (confirmation === null) return 'improper';
  try {
    const bytes = asking.open(readTold(await place.confirm(number, confirmBody(begun, confirmation))));
    return (bytes === null ? null : readTarget(bytes)) ?? 'improper';
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    if (error.code === 'wrong-code') return 'wrong';
    if (error.code === 'not-found') return 'gone';
    if (error.code === 'no-live-source' || error.code === 'bad-content') return 'improper';
    throw error;
  }
}
