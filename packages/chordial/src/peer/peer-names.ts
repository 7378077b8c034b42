/**
 * Display names of peers: the user's own petname, else the name in the certificate. The latter is chosen by the peer,
 * so one that looks like an id is not shown, and where two peers have the same name, or it equals a petname, part of
 * the id is added.
 */

import type { HostId } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { type Membership, shortId } from '../network/membership.ts';
import type { Catalog } from '../storage/catalog.ts';
import { looksLikePeer, shortPeer } from '../transfer/of-publisher.ts';

const setting = 'peer-names';
const maxPetnames = 4096;
const maxNameCharacters = 64;
/** Names change rarely, and lists ask for the same ones in every row. */
const idsInText = /12D3KooW[1-9A-HJ-NP-Za-km-z]{44}/g;
const keptMilliseconds = 1000;
const maxKept = 4096;

export class PeerNames {
  readonly #membership: Pick<Membership, 'of' | 'named'>;
  readonly #settings: Pick<Catalog, 'setting' | 'setSetting'>;
  readonly #petnames: Map<HostId, string>;
  readonly #shown = new Map<HostId, string>();
  #shownUntil = 0;

  constructor(membership: Pick<Membership, 'of' | 'named'>, settings: Pick<Catalog, 'setting' | 'setSetting'>) {
    this.#membership = membership;
    this.#settings = settings;
    const kept = settings.setting(setting);
    const pairs = typeof kept === 'object' && kept !== null ? Object.entries(kept) : [];
    this.#petnames = new Map(pairs.filter(([, name]) => typeof name === 'string') as [HostId, string][]);
  }

  /** As lists show it. */
  readonly shown = (host: HostId): string => {
    const now = performance.now();
    if (now > this.#shownUntil || this.#shown.size > maxKept) {
      this.#shown.clear();
      this.#shownUntil = now + keptMilliseconds;
    }
    const known = this.#shown.get(host) ?? this.#nameOf(host);
    this.#shown.set(host, known);
    return known;
  };

  /** Peers with this name: that of the petname, else those with it in their certificates. */
  readonly named = (name: string): readonly HostId[] => {
    const mine = [...this.#petnames].filter(([, petname]) => petname === name).map(([host]) => host);
    return mine.length > 0 ? mine : looksLikePeer(name) ? [] : this.#membership.named(name);
  };

  /** A message with names of peers in place of their ids, with id suffixes added. */
  readonly inText = (text: string): string =>
    text.replace(idsInText, (id) => {
      const name = this.shown(id as HostId);
      return name.startsWith('…') ? id : name.endsWith(`(${shortPeer(id)})`) ? name : `${name} (${shortPeer(id)})`;
    });

  petnameOf(host: HostId): string | null {
    return this.#petnames.get(host) ?? null;
  }

  /** Null removes it. Rejects with `bad-request` or `already-exists`. */
  async call(host: HostId, name: string | null): Promise<void> {
    const checked = name === null ? null : checkedPetname(name);
    const [other] = [...this.#petnames].filter(([of, petname]) => petname === checked && of !== host);
    if (other !== undefined)
      throw new ChordialError(
        'already-exists',
        `You call ${shortPeer(other[0])} ${name} already. Choose another name.`,
      );
    if (checked === null) this.#petnames.delete(host);
    else this.#petnames.set(host, checked);
    if (this.#petnames.size > maxPetnames) {
      this.#petnames.delete(host);
      throw new ChordialError('too-many-entries', `${maxPetnames} peers have names of yours, which is the limit.`);
    }
    this.#shown.clear();
    await this.#settings.setSetting(setting, Object.fromEntries(this.#petnames));
  }

  #nameOf(host: HostId): string {
    const petname = this.#petnames.get(host);
    if (petname !== undefined) return petname;
    const { name } = this.#membership.of(host);
    if (name === shortId(host) || looksLikePeer(name)) return shortPeer(host);
    const isTaken = [...this.#petnames.values()].includes(name);
    return isTaken || this.#membership.named(name).length > 1 ? `${name} (${shortPeer(host)})` : name;
  }
}

function checkedPetname(text: string): string {
  const name = text.normalize('NFC').trim();
  const isName = name !== '' && name.length <= maxNameCharacters && !/[\p{C}\p{Zl}\p{Zp}]/u.test(name);
  if (isName && !looksLikePeer(name)) return name;
  throw new ChordialError(
    'bad-request',
    `A name of a peer has 1 to ${maxNameCharacters} characters, none of them hidden, and does not look like an id. Choose another.`,
  );
}
