/** Locks of the drive (RFC 4918, sections 6 and 7): in memory, with a time limit, gone after a restart. */
import { randomUUID } from 'node:crypto';
import { ChordialError } from '../../errors.ts';

export interface Lock {
  readonly token: string;
  /** Below the root of the drive, decoded, without a slash at its end. */
  readonly path: string;
  readonly isDeep: boolean;
  readonly isShared: boolean;
  /** What the client says of its user, as XML. */
  readonly owner: string;
  /** The access token of the client, which alone may end the lock. */
  readonly holder: string;
  /** Seconds. */
  readonly timeout: number;
  /** Monotonic milliseconds. */
  expires: number;
}

export const maxLocks = 10_000;
/** Of one access token. */
export const maxLocksPerHolder = 2000;
/** That hold for one path: each is told with each entry of a listing. */
export const maxLocksOnPath = 32;
export const maxOwnerBytes = 2048;
export const maxLockSeconds = 3600;
export const usualLockSeconds = 600;

export class Locks {
  readonly #now: () => number;
  readonly #locks = new Map<string, Lock>();

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Throws `locked` when one is in the way, and `too-many-entries`. */
  take(wish: Omit<Lock, 'token' | 'expires'>): Lock {
    const locks = this.#live();
    const inTheWay = locks.find(
      (one) =>
        !(one.isShared && wish.isShared) && (covers(one, wish.path) || (wish.isDeep && isBelow(one.path, wish.path))),
    );
    if (inTheWay !== undefined) throw locked(inTheWay.path);
    const own = locks.filter(({ holder }) => holder === wish.holder).length;
    const onPath = locks.filter((one) => covers(one, wish.path)).length;
    if (locks.length >= maxLocks || own >= maxLocksPerHolder || onPath >= maxLocksOnPath)
      throw new ChordialError(
        'too-many-entries',
        `There are ${locks.length} locks, and no more are kept. Release some.`,
      );
    const lock = { ...wish, token: `urn:uuid:${randomUUID()}`, expires: this.#now() + wish.timeout * 1000 };
    this.#locks.set(lock.token, lock);
    return lock;
  }

  /** Null when there is none of this token that covers the path. */
  refresh(token: string, path: string, timeout: number): Lock | null {
    const lock = this.#live().find((one) => one.token === token && covers(one, path));
    if (lock === undefined) return null;
    const renewed = { ...lock, timeout, expires: this.#now() + timeout * 1000 };
    this.#locks.set(token, renewed);
    return renewed;
  }

  /** False when there is none of this token that covers the path. */
  release(token: string, path: string): boolean {
    const lock = this.#live().find((one) => one.token === token && covers(one, path));
    return lock !== undefined && this.#locks.delete(lock.token);
  }

  /** Of what was removed or moved away. */
  drop(path: string): void {
    for (const lock of this.#live()) if (isAt(lock.path, path)) this.#locks.delete(lock.token);
  }

  on(path: string): readonly Lock[] {
    return this.#live().filter((one) => covers(one, path));
  }

  /** Of a folder and of what is in it, as they are at this moment. */
  within(folder: string): (path: string) => readonly Lock[] {
    const locks = this.#live();
    const around = locks.filter((one) => covers(one, folder));
    const deep = around.filter(({ isDeep }) => isDeep);
    const inside = Map.groupBy(
      locks.filter((one) => isBelow(one.path, folder)),
      (one) => one.path,
    );
    return (path) => (path === folder ? around : [...deep, ...(inside.get(path) ?? [])]);
  }

  has(token: string, path: string): boolean {
    return this.#live().some((one) => one.token === token && covers(one, path));
  }

  /** Of these tokens those of locks that this access token took: others are seen by all, and give no right. */
  heldBy(holder: string, tokens: readonly string[]): ReadonlySet<string> {
    return new Set(tokens.filter((token) => this.#locks.get(token)?.holder === holder));
  }

  /**
   * Throws `locked` unless the client has given the token of a lock wherever one is in the way: on the path, below it
   * with `below`, and on its folder with `member`, for what adds to a folder or takes from it.
   */
  check(path: string, given: ReadonlySet<string>, { below = false, member = false } = {}): void {
    const locks = this.#live();
    if (locks.length === 0) return;
    const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
    this.#checkThose(
      locks.filter((one) => covers(one, path)),
      given,
    );
    if (below)
      this.#checkThose(
        locks.filter((one) => isBelow(one.path, path)),
        given,
      );
    if (member)
      this.#checkThose(
        locks.filter((one) => covers(one, folder)),
        given,
      );
  }

  /** Of several shared locks one token is enough. */
  #checkThose(locks: readonly Lock[], given: ReadonlySet<string>): void {
    for (const [path, some] of Map.groupBy(locks, (one) => one.path))
      if (!some.some(({ token }) => given.has(token))) throw locked(path);
  }

  #live(): Lock[] {
    const now = this.#now();
    for (const { token, expires } of this.#locks.values()) if (expires <= now) this.#locks.delete(token);
    return [...this.#locks.values()];
  }
}

/** Whether a path is the other or below it. */
export function isAt(path: string, other: string): boolean {
  return path === other || isBelow(path, other);
}

function isBelow(path: string, folder: string): boolean {
  return folder === '' ? path !== '' : path.startsWith(`${folder}/`);
}

function covers({ path: at, isDeep }: Lock, path: string): boolean {
  return at === path || (isDeep && isBelow(path, at));
}

function locked(path: string): ChordialError {
  return new ChordialError(
    'locked',
    `/${path} is locked by another program. Wait until it is done, or give its lock token.`,
    {
      details: { path },
    },
  );
}
