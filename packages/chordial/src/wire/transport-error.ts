/** Errors between two peers, and the type of the values they exchange. */

/** A value of the DAG-CBOR data model, untrusted until a schema has decoded it. */
export type Wire = unknown;

/** Mirrors AskFailure of the ring; `aborted` when the caller's signal fired. */
export type TransportFailure = 'unreachable' | 'timeout' | 'refused' | 'aborted';

export class TransportError extends Error {
  readonly failure: TransportFailure;
  /** The code of src/errors.ts that the other side gave, if any (`other-network`, `not-admitted`, …). */
  readonly code: string | null;
  /** Unverified links of the membership log that prove the asker's removal; otherwise empty. */
  readonly proof: readonly Uint8Array[];
  constructor(
    failure: TransportFailure,
    message: string,
    code: string | null = null,
    proof: readonly Uint8Array[] = [],
  ) {
    super(message);
    this.name = 'TransportError';
    this.failure = failure;
    this.code = code;
    this.proof = proof;
  }
}

/** Refuses what no schema alone can see to be wrong. */
export function malformed(what: string): TransportError {
  return new TransportError('refused', `The message is malformed: ${what}.`, 'bad-request');
}

/** A message that breaks its schema. */
export class Malformed extends TransportError {
  readonly #complaint: string;
  #path = '';

  /** @param complaint follows the path of the value: `is not a list`. */
  constructor(complaint: string) {
    super('refused', `The message is malformed: it ${complaint}.`, 'bad-request');
    this.#complaint = complaint;
  }

  /** Prepends `step`, a field or `[position]`, to the path. */
  inside(step: string): this {
    this.#path = this.#path === '' || this.#path.startsWith('[') ? step + this.#path : `${step}.${this.#path}`;
    this.message = `The message is malformed: ${this.#path} ${this.#complaint}.`;
    return this;
  }
}
