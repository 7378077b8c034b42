/** The ring of a running peer, over its transport. */
import { defaultOptions, defaultTimers, RingHost } from '@chordial/ring';
import { BoundedCache } from '../network/bounded-cache.ts';
import { memberIdOfHost } from '../network/host-id.ts';
import { ringNetwork } from '../network/ring-network.ts';
import { systemClock, systemRandom } from '../network/system-clock.ts';
import { UnresponsivePeers } from '../network/unresponsive-peers.ts';
import type { Catalog } from '../storage/catalog.ts';
import type { Network } from './build-network.ts';
import type { Closing } from './closing.ts';
import type { OpenFolder } from './open-folder.ts';
import { RingAdapter } from './ring-adapter.ts';
import { RingRecording } from './ring-recording.ts';
import { RingStory } from './ring-story.ts';

/** Limit of the membership cache: a network of 10 000 hosts with 20 members. It grows with the network. */
const membershipCacheBytes = 32 * 2 ** 20;
/** An identifier of 64 digits, its pointer, and its share of the host's data. */
const bytesPerCachedMember = 160;
const incarnationSetting = 'incarnation';
/** Milliseconds: copies of one data folder may start at the same moment. */
const incarnationSpread = 1000;
/** Hosts whose last change of state is remembered. */
const maxUpdates = 16_384;

export type Ring = Awaited<ReturnType<typeof buildRing>>;

export async function buildRing(folder: OpenFolder, network: Network, opened: Closing) {
  const { genesis, identity, events, peerNames, configuration, catalog } = folder;
  const { transport, codec, members, mayBeMember } = network;
  const isTeaching = genesis.rule === 'chosen';
  const shape = { bits: genesis.bits, successors: genesis.successors };
  const story = new RingStory({
    self: identity.host,
    teaching: isTeaching,
    called: peerNames.shown,
    tell: (line) => events.tell(line),
  });
  const unresponsivePeers = new UnresponsivePeers(systemClock, (host) => transport.needsTunnel(host));
  const messages = ringNetwork(unresponsivePeers.watch(transport), codec);
  const updates = new BoundedCache<string, number>(maxUpdates);
  const incarnation = await nextIncarnation(catalog);
  const ring = new RingHost(
    {
      ...defaultOptions,
      self: transport.contact,
      members,
      incarnation,
      shape,
      smallRings: isTeaching,
      timers: { ...defaultTimers, pingInterval: configuration.pingMilliseconds ?? defaultTimers.pingInterval },
      cacheCapacity: Math.floor(membershipCacheBytes / bytesPerCachedMember),
      mayBeMember,
      ...(isTeaching ? {} : { idOf: (host, index) => memberIdOfHost(host, index, genesis.bits) }),
      proximity: !isTeaching,
      observe: (event) => {
        story.observe(event);
        if (event.kind === 'host') updates.set(event.contact.host, Date.now());
        view.observe(event);
      },
    },
    { clock: systemClock, random: systemRandom, network: messages },
  );
  const view = new RingAdapter(ring, shape);
  opened.defer(() => ring.close());
  const recording = new RingRecording({
    clock: systemClock,
    count: () => ring.liveHosts().reduce((sum, { host }) => sum + ring.virtualNodesOf(host), ring.states().length),
    members: () => ring.members(),
  });
  opened.defer(() => recording.close());
  return {
    ring,
    view,
    recording,
    messages,
    unresponsivePeers,
    incarnation,
    /** Last change of a host's state, milliseconds since 1970. */
    updatedAt: (host: string): number | null => updates.get(host) ?? null,
  };
}

/** Higher than in all earlier starts, including one with a clock that was ahead; two processes with one key hardly get the same. */
async function nextIncarnation(catalog: Catalog): Promise<number> {
  const last = catalog.setting(incarnationSetting);
  const next =
    Math.max(systemClock.wallTime(), typeof last === 'number' ? last + 1 : 0) +
    Math.floor(incarnationSpread * systemRandom.next());
  await catalog.setSetting(incarnationSetting, next);
  return next;
}
