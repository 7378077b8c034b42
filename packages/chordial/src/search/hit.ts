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
  /** Sealed, and opened here. Never sent to others. */
  readonly isSealed?: boolean;
}

/** Publishers of a name with their contents, from the entries themselves. */
export type Evidence = Pick<Hit, 'root' | 'size' | 'isShared'> & { readonly host: HostId };

/** Of one name and content. */
export function fileKey({ name, root }: Pick<Hit, 'name' | 'root'>): string {
  return `${root} ${name}`;
}

/** Hits of the same content are one row with several holders, whatever they call it; empty files are told apart by name. */
export function rowKey({ name, root, size }: Pick<Hit, 'name' | 'root' | 'size'>): string {
  return size === 0 ? `${root} ${name}` : `${root}`;
}

/** Verified ones first, then those with the name that most publishers give it, then those on the ring. */
export function bestFirst(holders: readonly Hit[]): readonly Hit[] {
  const publishers = new Map<string, Set<HostId>>();
  for (const { name, source } of holders) publishers.set(name, (publishers.get(name) ?? new Set()).add(source.host));
  const callers = ({ name }: Hit): number => publishers.get(name)?.size ?? 0;
  const doubt = ({ isVerified }: Hit): number => (isVerified === true ? 0 : 1);
  return holders.toSorted(
    (a, b) => doubt(a) - doubt(b) || callers(b) - callers(a) || Number(a.isShared) - Number(b.isShared),
  );
}

/** A publisher has one hit per name and content. */
export function hitKey({ name, root, source, isShared }: Hit): string {
  return `${source.host} ${isShared ? 'share' : 'put'} ${root} ${name}`;
}
