/** What `chordial doctor` and the health of the API find in a running peer: each check returns findings in plain words. */
import { shownTime } from '../flow/timetable.ts';
import { isLoopback } from '../network/addresses.ts';
import { type AdmissionMode, unprotectedNetwork } from '../network/membership.ts';
import { type Said, said } from '../sentences.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import type { LimitsStatus } from './limits.ts';
import type { LanStatus, NodeStatus, PeerStatus, StoreStatus } from './peer.ts';
import type { SaidFinding } from './shown-health.ts';

const maxAddressesShown = 4;

/** What is heard of other peers on the local network, and where nothing can be. */
export function localNetwork({ interfaces, networks }: LanStatus): readonly SaidFinding[] {
  const check = 'local network';
  if (interfaces.length === 0)
    return [{ check, level: 'note', ...said('lan-none', {}, 'no interface is connected to one') }];
  const instead = 'Without it peers are found by remembered addresses and invites; --lan off leaves it out.';
  const blocked = interfaces.flatMap(({ name, sent, echoes, fault }): SaidFinding[] => {
    if (fault !== null) {
      const isForbidden = /EPERM|EACCES/.test(fault);
      const remedy = isForbidden ? 'Allow UDP port 5353 in the firewall. ' : '';
      const text = `${name} cannot be used for multicast: ${fault}. ${remedy}${instead}`;
      return [{ check, level: 'note', ...said('lan-fault', { name, fault, isForbidden }, text) }];
    }
    if (sent === 0 || echoes > 0) return [];
    const text = `multicast seems blocked on ${name}: what is sent there does not even come back. Allow UDP port 5353 in the firewall (firewall-cmd --add-service=mdns, ufw allow 5353/udp). ${instead}`;
    return [{ check, level: 'note', ...said('lan-blocked', { name }, text) }];
  });
  const others = networks.map((one): SaidFinding => ({ check, level: 'good', ...heard(one) }));
  if (others.length > 0 || blocked.length === interfaces.length) return [...blocked, ...others];
  const names = interfaces.map(({ name }) => name);
  const text = `no other peer is heard on ${names.join(', ')}. If there is one, it has --lan off, an access point keeps its clients apart, or one of both is a container without the network of its host: then give its address.`;
  return [...blocked, { check, level: 'good', ...said('lan-alone', { names }, text) }];
}

function heard({ tag, isOwn, peers, addresses, interfaces, members }: LanStatus['networks'][number]): Said {
  const which = isOwn ? 'this network' : `another network (${tag})`;
  const shown = addresses.slice(0, maxAddressesShown);
  const who = members.length === 0 ? '' : `, of them ${members.join(', ')}`;
  const text = `${peers} ${peers === 1 ? 'peer' : 'peers'} of ${which} on ${interfaces.join(', ')}, at ${shown.join(', ')}${who}`;
  return said('lan-heard', { peers, tag: isOwn ? null : tag, interfaces, addresses: shown, members }, text);
}

/** What members say that dialled the running peer back. */
export function dialledBack({ state, text, code, values }: NodeStatus['reach']): SaidFinding {
  return { check: 'reached by others', level: state === 'open' ? 'good' : 'note', text, code, values };
}

/** What the router gave to the running peer, which needs nothing of it where others reach it anyway. */
export function portMapping({ reach, portMapping: { state, text, code, values } }: NodeStatus): SaidFinding {
  const isWell = state === 'mapped' || state === 'off' || reach.state === 'open';
  return { check: 'port mapping', level: isWell ? 'good' : 'note', text, code, values };
}

/** Whether the object store takes and gives the large blocks. */
export function objectStore({ place, state, text: reason, cachedBytes: cached }: StoreStatus): SaidFinding {
  const check = 'object store';
  if (state === 'up') {
    const text = `${place}, ${formatBytes(cached)} of it cached here`;
    return { check, level: 'good', ...said('store-up', { place, cached }, text) };
  }
  if (state === 'full') {
    const remedy = 'Free some space there, or raise its limit; until then blocks go to other peers.';
    const text = `${place} is full: ${reason}. ${remedy}`;
    return { check, level: 'note', ...said('store-full', { place, reason }, text) };
  }
  const what = state === 'away' ? 'does not answer as it should' : 'cannot be used by this peer';
  const text = `${place} ${what}: ${reason}. Its blocks cannot be read until that ends.`;
  const code = state === 'away' ? 'store-away' : 'store-refused';
  return { check, level: 'bad', ...said(code, { place, reason }, text) };
}

/** A limit that people may have forgotten. */
export function limited(status: LimitsStatus): readonly SaidFinding[] {
  const { isStopped, up, down, until } = status;
  if (!isStopped && up === null && down === null) return [];
  const end = until === null ? '' : `, until ${shownTime(until)}`;
  const remedy = 'See "chordial limit"; "chordial limit off" ends it.';
  const text = `${shownLimit(status)}${end}. ${remedy}`;
  return [{ check: 'limit', level: 'note', ...said('limited', { isStopped, up, down, until }, text) }];
}

/** Whether there are as many zones as copies; nothing where no peer is in one. */
export function zones(
  node: Pick<NodeStatus, 'zone' | 'replicas' | 'virtualNodes'>,
  peers: readonly Pick<PeerStatus, 'zone' | 'state' | 'virtualNodes'>[],
): readonly SaidFinding[] {
  const check = 'zones';
  const holding = peers.filter(({ state, virtualNodes }) => state === 'alive' && virtualNodes > 0);
  const all = [...(node.virtualNodes.length > 0 ? [node.zone] : []), ...holding.map(({ zone }) => zone)];
  if (all.every((zone) => zone === null)) return [];
  const named = [...new Set(all.filter((zone) => zone !== null))].sort();
  const alone = all.length - all.filter((zone) => zone !== null).length;
  const counted = [...named, ...(alone === 0 ? [] : [`${alone} ${alone === 1 ? 'peer' : 'peers'} in none`])].join(', ');
  const found = named.length + alone;
  if (found >= node.replicas) return [{ check, level: 'good', ...said('zones', { zones: named, alone }, counted) }];
  const text = `${counted}. With ${node.replicas} copies in ${found} ${found === 1 ? 'zone' : 'zones'} some of each file fail together. Start peers that do not with --zone names of their own.`;
  const values = { zones: named, alone, copies: node.replicas };
  return [{ check, level: 'note', ...said('zones-few', values, text) }];
}

export interface ShownMembership {
  readonly admission: AdmissionMode;
  readonly openInvites: number;
  readonly members: readonly {
    readonly name: string;
    readonly state: 'member' | 'waiting' | 'removed';
    readonly isSelf: boolean;
    readonly isAdmin: boolean;
    readonly admittedAt: string | null;
    readonly lastSeenAt: string | null;
  }[];
}

/** What is unusual about the membership, and what it does not protect. */
export function membership({ admission, members, openInvites }: ShownMembership, now: number): readonly SaidFinding[] {
  const check = 'members';
  if (admission !== 'members') return [{ check, level: 'note', ...unprotectedNetwork(admission) }];
  const there = members.filter(({ state }) => state === 'member');
  const findings: SaidFinding[] = [];
  const note = (line: Said) => findings.push({ check, level: 'note', ...line });
  const admins = there.filter(({ isAdmin }) => isAdmin);
  if (admins.length === 1 && there.length > 1) {
    const who = admins[0]?.name ?? '';
    const text = `${who} is the only admin: if its key is lost, only the recovery key makes others. Add one with "chordial admin add MEMBER".`;
    note(said('only-admin', { who }, text));
  }
  for (const { name, isSelf, lastSeenAt, admittedAt } of there) {
    const seen = Date.parse(lastSeenAt ?? admittedAt ?? '');
    if (isSelf || Number.isNaN(seen) || now - seen < longUnseenMilliseconds) continue;
    const days = Math.floor((now - seen) / dayMilliseconds);
    const text = `${name} was not seen for ${days} days. Remove it if it will not come back: chordial remove ${name}`;
    note(said('long-unseen', { who: name, days }, text));
  }
  for (const { name } of members.filter(({ state }) => state === 'waiting')) {
    const text = `${name} is waiting, since its invite was used up. To admit it: chordial admin admit ${name}`;
    note(said('member-waiting', { who: name }, text));
  }
  if (openInvites > 0) {
    const invites = openInvites === 1 ? 'invite of this peer is' : 'invites of this peer are';
    note(said('open-invites', { count: openInvites }, `${openInvites} ${invites} still valid.`));
  }
  if (findings.length > 0) return findings;
  const values = { count: there.length, admins: admins.length };
  return [{ check, level: 'good', ...said('members', values, `${there.length}, ${admins.length} of them admins`) }];
}

const dayMilliseconds = 24 * 3600_000;
const longUnseenMilliseconds = 90 * dayMilliseconds;

const soonMilliseconds = 7 * 24 * 3_600_000;

/** Whether visitors of the door are safe from listeners, and its certificate holds. */
export function ofDoor({ url, services, tls }: NonNullable<NodeStatus['door']>, now: number): SaidFinding {
  const check = 'door';
  const place = `${url} serves ${services.join(', ')}`;
  if (tls === null && !url.startsWith('https:') && !isLoopback(URL.parse(url)?.hostname ?? '')) {
    const text = `${place} without TLS: anybody between it and a visitor can listen in. Give --tls-cert and --tls-key.`;
    return { check, level: 'note', ...said('door-plain', { url, services }, text) };
  }
  if (tls === null) return { check, level: 'good', ...said('door', { url, services, expires: null }, place) };
  const { expires, fault } = tls;
  if (Date.parse(expires) < now) {
    const text = `the certificate of ${url} has expired on ${expires}: browsers warn. Renew it; the door takes the new one by itself.`;
    return { check, level: 'bad', ...said('certificate-expired', { url, expires }, text) };
  }
  if (fault !== null) {
    const text = `${place} with the certificate before, until ${expires}. ${fault}`;
    return { check, level: 'bad', ...said('certificate-fault', { url, services, expires, fault }, text) };
  }
  if (Date.parse(expires) > now + soonMilliseconds) {
    const text = `${place}, certificate until ${expires}`;
    return { check, level: 'good', ...said('door', { url, services, expires }, text) };
  }
  const text = `the certificate of ${url} expires on ${expires}. Renew it.`;
  return { check, level: 'note', ...said('certificate-ends', { url, expires }, text) };
}

/** What holds, in words. */
export function shownLimit({ isStopped, up, down }: Pick<LimitsStatus, 'isStopped' | 'up' | 'down'>): string {
  if (isStopped) return 'stop: puts and gets wait';
  if (up === null && down === null) return 'off: no limit';
  const rate = (bytes: number | null): string => (bytes === null ? 'no limit' : `${formatBytes(bytes)}/s`);
  return `${rate(up)} up, ${rate(down)} down`;
}
