/** Reads a payload to its end in the fastest way that its transport offers. */
import type { IncomingPayload, TakePiece } from './transport.ts';

export async function drainPayload(payload: IncomingPayload, take: TakePiece): Promise<void> {
  if (payload.drain !== undefined) return payload.drain(take);
  for await (const piece of payload) await take(piece);
}
