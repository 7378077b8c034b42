/** Peers of the network remembered across restarts, which a returning peer asks and probes. */

import type { Contact, RingHost } from '@chordial/ring';
import { isDialable } from '../network/addresses.ts';
import { isHostId } from '../network/host-id.ts';
import type { Catalog } from '../storage/catalog.ts';

const setting = 'known-peers';
const maxRemembered = 1024;
/** Checked this often; written only after changes. */
const writeEveryMilliseconds = 1000;

export class KnownPeers {
  readonly #catalog: Catalog;
  #written = '';
  #timer: NodeJS.Timeout | null = null;

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
  }

  read(): readonly Contact[] {
    const kept = this.#catalog.setting(setting);
    if (!Array.isArray(kept)) return [];
    return kept.filter(isContact);
  }

  /** Written before the join: a peer killed during it then knows where to return. */
  async remember(contacts: readonly Contact[]): Promise<void> {
    const known = this.read().filter(({ host }) => !contacts.some((contact) => contact.host === host));
    const list = [...contacts, ...known].slice(0, maxRemembered);
    await this.#catalog.setSetting(
      setting,
      list.map(({ host, addresses }) => ({ host, addresses })),
    );
  }

  /** Records the peers known to the ring from now on. Dead ones stay: they may return with their data. */
  keep(ring: RingHost): void {
    const write = () => {
      const remembered = new Map<string, Contact>();
      const watched = ring.watched().filter((w) => w.liveness !== 'left' && w.contact.addresses.length > 0);
      // Live ones first, so that they are kept when there are too many.
      watched.sort((a, b) => Number(ring.isDown(a.contact.host)) - Number(ring.isDown(b.contact.host)));
      const left = new Set(
        ring
          .watched()
          .filter((w) => w.liveness === 'left')
          .map((w) => w.contact.host),
      );
      for (const { contact } of watched) remembered.set(contact.host, contact);
      for (const contact of this.read()) {
        if (!remembered.has(contact.host) && !left.has(contact.host)) remembered.set(contact.host, contact);
      }
      const list = [...remembered.values()]
        .slice(0, maxRemembered)
        .map(({ host, addresses }) => ({ host, addresses }))
        .sort((a, b) => (a.host < b.host ? -1 : 1));
      const text = JSON.stringify(list);
      if (text === this.#written) return;
      this.#written = text;
      // A failed write is retried with the next change; the catalogue reports damage where it matters.
      this.#catalog.setSetting(setting, list).catch(() => {
        this.#written = '';
      });
    };
    write();
    this.#timer = setInterval(write, writeEveryMilliseconds).unref();
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async forget(): Promise<void> {
    this.close();
    await this.#catalog.setSetting(setting, []);
  }
}

function isContact(value: unknown): value is Contact {
  if (typeof value !== 'object' || value === null) return false;
  const { host, addresses } = value as { host?: unknown; addresses?: unknown };
  return isHostId(host) && Array.isArray(addresses) && addresses.every(isDialable);
}
