/** What goes wrong between two peers, and the values they exchange. */

/** A value of the DAG-CBOR data model; of a stranger, until a schema has read it. */
export type Wire = unknown;

/** Mirrors AskFailure of the ring; `aborted` when the caller's signal fired. */
export type TransportFailure = 'unreachable' | 'timeout' | 'refused' | 'aborted';

export class TransportError extends Error {
  readonly failure: TransportFailure;
  /** A code of src/errors.ts when the other side named one (`other-network`, `not-admitted`, …). */
  readonly code: string | null;
  /** Unverified links of the membership log that prove the removal of the asker; else empty. */
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

/** A message that breaks its schema. */
export class Malformed extends TransportError {
  readonly #complaint: string;
  #path = '';

  /** @param complaint follows the path of the value: `is not a list`. */
  constructor(complaint: string) {
    super('refused', `The message is malformed: it ${complaint}.`, 'bad-request');
    this.#complaint = complaint;
  }

  /** The value is at `step`, a field or `[position]`, of a larger one. */
  inside(step: string): this {
    this.#path = this.#path === '' || this.#path.startsWith('[') ? step + this.#path : `${step}.${this.#path}`;
    this.message = `The message is malformed: ${this.#path} ${this.#complaint}.`;
    return this;
  }
}
