/** What lists show: one content, and who has it. */
import type { FilePage, Hit } from '../../src/client/answers.ts';
import type { Kind } from './wish.ts';

type ListedFile = FilePage['files'][number];
export type Holder = Hit['holders'][number];

export interface Item {
  /** Of the row. */
  readonly key: string;
  readonly name: string;
  readonly cid: string;
  readonly size: number;
  readonly kind: Kind;
  readonly time: string | null;
  readonly expiry: string | null;
  readonly sha256: string | null;
  /** On the ring; null where it is yet to be counted, or where it is only shared. */
  readonly copies: number | null;
  /** All who put or share it, best first. */
  readonly holders: readonly Holder[];
  readonly isLive: boolean;
  /** This peer opens what is sealed. */
  readonly isOpened: boolean;
  readonly sealed: NonNullable<ListedFile['sealed']> | null;
}

export function itemOfFile(file: ListedFile): Item {
  const { name, cid, publisher, publisherName, sealed = null, also } = file;
  const put = { address: null, copies: null, shared: false, live: true, verified: true };
  const first = publisher === null ? [] : [{ name: name ?? cid, publisher, publisherName: publisherName ?? '' }];
  return {
    ...file,
    key: `${name} ${publisher} ${cid}`,
    name: name ?? cid,
    holders: [...first, ...also].map((one) => ({ ...one, ...put })),
    isLive: true,
    isOpened: sealed?.isOpen === true,
    sealed,
  };
}

export function itemOfHit(hit: Hit): Item {
  const isOnRing = hit.holders.some(({ shared }) => !shared);
  const copies = hit.holders.reduce<number | null>(
    (most, one) => (one.shared || one.copies === null ? most : Math.max(most ?? 0, one.copies)),
    null,
  );
  return {
    ...hit,
    copies: isOnRing ? copies : null,
    expiry: null,
    isLive: hit.live,
    isOpened: hit.isSealed,
    sealed: null,
  };
}

/** Whether this peer can put it too: it is of others, and readable for every member. `self` is null where only own files are listed. */
export function isForKeeping({ holders, isOpened, sealed }: Item, self: string | null): boolean {
  const isOwn = self === null || holders.some(({ publisher, shared }) => !shared && publisher === self);
  return !isOwn && !isOpened && sealed === null;
}

export function isOnRing({ holders }: Pick<Item, 'holders'>): boolean {
  return holders.some(({ shared }) => !shared);
}
