/** A search result: a name, its content, and its source. */

import type { Contact, HostId } from '@chordial/ring';
import type { CID } from 'multiformats/cid';

export interface Hit {
  /** In NFC. */
  readonly name: string;
  readonly root: CID;
  /** Bytes. */
  readonly size: number;
  readonly type: 'file' | 'directory';
  /** Of the whole content in hexadecimal, when known. */
  readonly sha256: string | null;
  /** The publisher, with its last known address when the file is in its share. */
  readonly source: Contact;
  /** The file is at its publisher only; otherwise on the ring. */
  readonly isShared: boolean;
  /** Live replicas on the ring when found; null for a shared file, and until counted. */
  readonly copies?: number | null;
  /** Milliseconds since 1970; of the put, or of the share's last announcement. */
  readonly time: number;
  /** Confirmed by its publisher's own entry; otherwise claimed by the hosts asked. Never sent to others. */
  readonly isVerified?: boolean;
}

/** Publishers of a name with their contents, from the entries themselves. */
export type Evidence = Pick<Hit, 'root' | 'size' | 'isShared'> & { readonly host: HostId };

/** Hits of the same name and content are one file with several holders. */
export function fileKey({ name, root }: Pick<Hit, 'name' | 'root'>): string {
  return `${root} ${name}`;
}

/** Verified ones first, then those on the ring. */
export function bestFirst(holders: readonly Hit[]): readonly Hit[] {
  const rank = ({ isVerified, isShared }: Hit): number => (isVerified === true ? 0 : 2) + (isShared ? 1 : 0);
  return holders.toSorted((a, b) => rank(a) - rank(b));
}

/** A publisher has one hit per name and content. */
export function hitKey({ name, root, source, isShared }: Hit): string {
  return `${source.host} ${isShared ? 'share' : 'put'} ${root} ${name}`;
}
