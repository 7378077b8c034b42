/** What a search finds: a name, what it stands for, and who says so. */
import type { CID } from 'multiformats/cid';
import type { Contact, HostId } from '../ring/pointer.ts';

export interface Hit {
  /** In NFC. */
  readonly name: string;
  readonly root: CID;
  /** Bytes. */
  readonly size: number;
  readonly type: 'file' | 'directory';
  /** Of the whole content in hexadecimal, when known. */
  readonly sha256: string | null;
  /** The publisher, and where it was last reached when the file lies there in a share. */
  readonly source: Contact;
  /** The file lies at its publisher only; otherwise the ring keeps it. */
  readonly isShared: boolean;
  /** Live copies on the ring when it was found; null for a shared file, and while not counted. */
  readonly copies?: number | null;
  /** Milliseconds since 1970; of the put, or of the share's last announcement. */
  readonly time: number;
  /** Its publisher's own entry was read and says the same; else it is the word of the hosts asked. Never told to others. */
  readonly isVerified?: boolean;
}

/** Who publishes a name with which content, by the entries themselves. */
export type Evidence = Pick<Hit, 'root' | 'size' | 'isShared'> & { readonly host: HostId };

/** Hits of the same name and content are one file with several holders. */
export function fileKey({ name, root }: Pick<Hit, 'name' | 'root'>): string {
  return `${root} ${name}`;
}

/** Those that are known to be true first, then what the ring keeps. */
export function bestFirst(holders: readonly Hit[]): readonly Hit[] {
  const rank = ({ isVerified, isShared }: Hit): number => (isVerified === true ? 0 : 2) + (isShared ? 1 : 0);
  return holders.toSorted((a, b) => rank(a) - rank(b));
}

/** Of one publisher there is one hit for a name and content. */
export function hitKey({ name, root, source, isShared }: Hit): string {
  return `${source.host} ${isShared ? 'share' : 'put'} ${root} ${name}`;
}
