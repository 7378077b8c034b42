/** Opens the data folder of a starting peer: its key, its catalogue, its network, and what it knows of the members. */
import path from 'node:path';
import { ChordialError } from '../errors.ts';
import { type Identity, loadOrCreateIdentity } from '../network/identity.ts';
import { Members, removedHere } from '../network/members.ts';
import { Catalog } from '../storage/catalog.ts';
import { openDataFolder } from '../storage/data-folder.ts';
import { MemberTable } from '../storage/member-table.ts';
import { OwnKeys } from '../transfer/own-keys.ts';
import type { Closing } from './closing.ts';
import type { PeerConfiguration } from './configuration.ts';
import { EventFan } from './event-fan.ts';
import { KnownPeers } from './known-peers.ts';
import { chooseNetwork } from './network-choice.ts';
import { PeerNames } from './peer-names.ts';
import { settledQuota } from './quota.ts';

export type OpenFolder = Awaited<ReturnType<typeof openFolder>>;

export async function openFolder(configuration: PeerConfiguration, opened: Closing) {
  const events = new EventFan(configuration.onEvent);
  const folder = opened.use(await openDataFolder(configuration.data));
  const identity = await loadOrCreateIdentity(folder.path);
  const catalog = new Catalog(path.join(folder.path, 'catalog.sqlite'));
  opened.defer(() => catalog.close());
  const keys = await OwnKeys.load(folder.path);
  const known = new KnownPeers(catalog);
  const network = await chooseNetwork(folder.path, identity, configuration, known.read().length > 0);
  const membership = membersOf(catalog, identity, network);
  const peerNames = new PeerNames(membership, catalog);
  events.callPeers(peerNames.inText);
  const isClient = (configuration.quotaBytes ?? settledQuota(catalog)) === 0;
  if (!isClient && membership.own !== null && !membership.of(identity.host).rights.includes('store')) {
    const message =
      'This member may not store: its invite did not include that right. Start it with --quota 0, or ask an admin for another invite.';
    throw new ChordialError('bad-usage', message);
  }
  return {
    configuration,
    events,
    folder: folder.path,
    identity,
    catalog,
    /** Of age, for sealed files. */
    keys,
    known,
    network,
    genesis: network.genesis,
    membership,
    peerNames,
    /** It stores nothing, and has no place on the ring. */
    isClient,
  };
}

function membersOf(catalog: Catalog, identity: Identity, network: Awaited<ReturnType<typeof chooseNetwork>>): Members {
  const { genesis } = network;
  const table = new MemberTable(catalog);
  const membership = new Members({ genesis, signer: identity, wallTime: Date.now, store: table });
  membership.call(identity.host, network.name);
  if (network.how === 'founded' && genesis.admission === 'members') membership.foundWith(network.name);
  for (const { members } of network.greetings) {
    membership.takeLinks(members.log.links);
    membership.takeAdmissions(members.admissions);
  }
  if (network.admission !== null) membership.keepOwn(network.admission);
  if (membership.isRemoved(identity.host)) throw new ChordialError('member-removed', removedHere);
  return membership;
}
