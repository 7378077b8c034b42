/** Puts and gets that the peer itself carries out on files of its machine; they outlive a restart of the peer. */
import type { FileMark } from './file-mark.ts';

export interface TransferRequest {
  readonly kind: 'put' | 'get';
  /** put: the name to publish under. get: the name or CID wanted. */
  readonly reference: string;
  readonly path: string;
  /** put: the file. get: the part beside PATH, which the caller has made, in its own name. In a folder reached through no link. */
  readonly mark: FileMark;
  /** A command waits for its end: once it stops asking, the transfer is paused. */
  readonly isAttended?: boolean;
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
  /** Its file is checked again. Attended unless said otherwise as it was at its start. */
  resume(id: string, isAttended?: boolean): Promise<TransferStatus>;
  cancel(id: string): Promise<void>;
  /** Resolves when the transfer is no longer running. */
  wait(id: string, signal?: AbortSignal): Promise<TransferStatus>;
}
