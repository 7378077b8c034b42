/** Puts and gets of local files carried out by the peer itself; they survive its restart. */

import type { Said } from '../sentences.ts';
import type { FileMark } from './file-mark.ts';
import type { FileReference } from './files.ts';
import type { SealWish } from './sealing.ts';

export interface TransferRequest {
  readonly kind: 'put' | 'get';
  /** put: the name to publish under. get: what to fetch. */
  readonly reference: FileReference;
  readonly path: string;
  /** put: the file. get: the part file beside PATH, created and owned by the caller. In a folder reached without links. */
  readonly mark: FileMark;
  /** A command waits for its end: once it stops polling, the transfer is paused. */
  readonly isAttended?: boolean;
  readonly replicas?: number;
  readonly timeToLive?: number;
  readonly force?: boolean;
  /** put: for whom it is sealed; null: not at all. Default: the setting of the peer. */
  readonly sealed?: SealWish | null;
}

export interface TransferStatus {
  readonly id: string;
  readonly kind: 'put' | 'get';
  /** put: the name. get: a CID, `name:NAME` or `name:NAME@PUBLISHER`. */
  readonly reference: string;
  readonly path: string;
  readonly state: 'running' | 'paused' | 'done' | 'failed' | 'cancelled';
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  /** Bytes per second over the last few seconds. */
  readonly rate: number;
  /** Of a paused one `stopped`, if it waits for the end of a stop and goes on by itself. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Why a running one may be slow: limits of other peers. */
  readonly note: Said | null;
  /** The PutResult or FileEntry when done. */
  readonly result: unknown;
  readonly started: string;
}

export interface Transfers {
  start(request: TransferRequest): Promise<TransferStatus>;
  list(): readonly TransferStatus[];
  get(id: string): TransferStatus | null;
  pause(id: string): Promise<TransferStatus>;
  /** Checks its file again. Attended as at its start unless given. */
  resume(id: string, isAttended?: boolean): Promise<TransferStatus>;
  cancel(id: string): Promise<void>;
  /** Resolves when the transfer is no longer running. */
  wait(id: string, signal?: AbortSignal): Promise<TransferStatus>;
}
