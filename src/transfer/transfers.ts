/** Puts and gets that the peer itself carries out on files of its machine; they outlive a restart of the peer. */
export interface TransferRequest {
  readonly kind: 'put' | 'get';
  /** put: the name to publish under. get: the name or CID wanted. */
  readonly reference: string;
  readonly path: string;
  /** Proof that the caller may write there: `PATH.part` (get) holds it. Null for put. */
  readonly nonce: string | null;
  readonly replicas?: number;
  readonly timeToLive?: number;
  readonly force?: boolean;
}

export interface TransferStatus {
  readonly id: string;
  readonly kind: 'put' | 'get';
  readonly reference: string;
  readonly path: string;
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  /** Bytes per second over the last seconds. */
  readonly rate: number;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** The PutResult or FileEntry when done. */
  readonly result: unknown;
  readonly started: string;
}

export interface Transfers {
  start(request: TransferRequest): Promise<TransferStatus>;
  list(): readonly TransferStatus[];
  get(id: string): TransferStatus | null;
  pause(id: string): Promise<TransferStatus>;
  resume(id: string): Promise<TransferStatus>;
  cancel(id: string): Promise<void>;
  /** Resolves when the transfer is no longer running. */
  wait(id: string, signal?: AbortSignal): Promise<TransferStatus>;
}
