/** Whether everything is safe: copies, disks, clock, reachability, as findings in plain words with what to do. */
import type { Clock, HostId } from '@chordial/ring';
import { shownTime } from '../flow/timetable.ts';
import type { RepairState } from '../replication/repair-progress.ts';
import { said } from '../sentences.ts';
import type { Claim } from '../storage/claim-table.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { clockOff } from './clock-watch.ts';
import {
  dialledBack,
  limited,
  localNetwork,
  membership,
  objectStore,
  ofDoor,
  portMapping,
  type ShownMembership,
  zones,
} from './findings.ts';
import type { LimitsStatus } from './limits.ts';
import type { NodeStatus, PeerStatus, StoreStatus } from './peer.ts';
import type { PeerReports } from './peer-reports.ts';
import type { CopiesHealth, FileAtRisk, Health, SaidFinding, ShownDisk } from './shown-health.ts';

interface Ports {
  readonly clock: Clock;
  readonly status: () => NodeStatus;
  readonly peers: () => readonly PeerStatus[];
  readonly limits: () => LimitsStatus;
  /** Of its large blocks; null when they are in the data folder. */
  readonly store: () => StoreStatus | null;
  readonly members: () => ShownMembership;
  readonly repair: () => RepairState | null;
  readonly claimsOf: (cid: RepairState['rare'][number]['cid']) => readonly Claim[];
  readonly reports: Pick<PeerReports, 'own' | 'ofOthers'>;
  readonly called: (host: HostId) => string;
}

const maxAtRisk = 100;
const fullPart = 0.95;
const tightPart = 0.85;

export async function healthOf(ports: Ports): Promise<Health> {
  const { clock, status, peers, called } = ports;
  const [own, others] = await Promise.all([ports.reports.own(), ports.reports.ofOthers()]);
  const node = status();
  const known = peers();
  const self = { id: node.id, name: node.name, isSelf: true, ...own };
  const disks: ShownDisk[] = [
    self,
    ...[...others].map(([host, report]) => ({ id: host, name: called(host), isSelf: false, ...report })),
  ];
  const repair = ports.repair();
  const alive = known.filter(({ state }) => state === 'alive' || state === 'suspected');
  const copies = copiesOf({ node, alive, disks, repair, clock });
  const atRisk = filesAtRisk(repair, ports);
  const now = clock.wallTime();
  const store = ports.store();
  const findings: SaidFinding[] = [
    ofState(node),
    ofCopies(copies),
    ...ofRisk(atRisk, disks),
    ...ofDisks(disks),
    ...(store === null ? [] : [objectStore(store)]),
    ...(node.clock === null ? [] : [ofClock(node.clock)]),
    dialledBack(node.reach),
    portMapping(node),
    ...(node.lan === null ? [] : localNetwork(node.lan)),
    ...(node.door === null ? [] : [ofDoor(node.door, now)]),
    ...limited(ports.limits()),
    ...membership(ports.members(), now),
    ...zones(node, known),
  ];
  return { level: worst(findings), time: new Date(now).toISOString(), findings, copies, atRisk, disks };
}

export function worst(findings: readonly Pick<SaidFinding, 'level'>[]): SaidFinding['level'] {
  if (findings.some(({ level }) => level === 'bad')) return 'bad';
  return findings.some(({ level }) => level === 'note') ? 'note' : 'good';
}

interface Known {
  readonly node: Pick<NodeStatus, 'replicas' | 'virtualNodes'>;
  readonly alive: readonly Pick<PeerStatus, 'virtualNodes'>[];
  readonly disks: readonly ShownDisk[];
  readonly repair: RepairState | null;
  readonly clock: Pick<Clock, 'wallTime'>;
}

export function copiesOf({ node, alive, disks, repair, clock }: Known): CopiesHealth {
  const holding = alive.filter(({ virtualNodes }) => virtualNodes > 0).length;
  const hosts = holding + (node.virtualNodes.length > 0 ? 1 : 0);
  const told = disks.flatMap(({ lacking }) => lacking ?? []);
  const lacking = told.length === 0 ? null : told.reduce((sum, one) => sum + one, 0);
  const timeAfter = (milliseconds: number | null): string | null =>
    milliseconds === null ? null : new Date(clock.wallTime() + milliseconds).toISOString();
  const { remaining = null, graceLeft = null } = repair ?? {};
  const isWaiting = graceLeft !== null && graceLeft > 0 && (lacking ?? 0) > 0;
  const wanted = node.replicas;
  const state =
    lacking === null
      ? 'unknown'
      : isWaiting
        ? 'waiting'
        : lacking > 0
          ? 'repairing'
          : hosts < wanted
            ? 'few-peers'
            : 'whole';
  return {
    ...{ state, wanted, hosts, lacking },
    answered: disks.length,
    asked: alive.length + 1,
    until: lacking === 0 ? null : timeAfter(remaining),
    waitsUntil: isWaiting ? timeAfter(graceLeft) : null,
  };
}

function ofState({ state, hosts, listen }: NodeStatus): SaidFinding {
  const text = `state ${state}, ${counted(hosts, 'host')} in the ring, listening at ${listen}`;
  const isWell = state === 'member';
  const line = said('running', { state, peers: hosts, listen }, isWell ? text : `${text}. See what it prints.`);
  return { check: 'running peer', level: isWell ? 'good' : 'bad', ...line };
}

export function ofCopies({
  state,
  wanted,
  hosts,
  lacking,
  answered,
  asked,
  until,
  waitsUntil,
}: CopiesHealth): SaidFinding {
  const check = 'copies';
  const silent = asked - answered;
  const who =
    silent === 0 ? `as all ${counted(answered, 'peer')} say` : `as ${answered} of ${counted(asked, 'peer')} say`;
  const missing = counted(lacking ?? 0, 'copy', 'copies');
  const end = until === null ? '' : `, until about ${shownTime(until)}`;
  switch (state) {
    case 'whole': {
      const text = `everything has its ${counted(wanted, 'copy', 'copies')}, ${who}`;
      return { check, level: 'good', ...said('copies-whole', { wanted, answered, asked }, text) };
    }
    case 'waiting': {
      const text = `${missing} are at peers that are away; unless they return, others are made from ${shownTime(waitsUntil ?? '')} on`;
      return { check, level: 'note', ...said('copies-waiting', { lacking: lacking ?? 0, until: waitsUntil }, text) };
    }
    case 'repairing': {
      const text = `${missing} of ${wanted} each are being made${end}, ${who}. Nothing is to be done.`;
      const values = { lacking: lacking ?? 0, wanted, until, answered, asked };
      return { check, level: 'note', ...said('copies-repairing', values, text) };
    }
    case 'few-peers': {
      const text = `${counted(hosts, 'peer')} can hold only ${hosts} of the ${wanted} copies. Start more peers that give room, on other machines.`;
      return { check, level: 'note', ...said('copies-few-peers', { wanted, peers: hosts }, text) };
    }
    default: {
      const text = 'not compared with other peers yet. Look again in a minute.';
      return { check, level: 'note', ...said('copies-unknown', {}, text) };
    }
  }
}

function filesAtRisk(repair: RepairState | null, { claimsOf, called }: Ports): readonly FileAtRisk[] {
  const files = new Map<string, FileAtRisk>();
  for (const { cid, copies } of repair?.rare ?? []) {
    for (const { publisher, name } of claimsOf(cid)) {
      const key = `${publisher} ${name}`;
      const before = files.get(key);
      if (before === undefined && files.size >= maxAtRisk) return [...files.values()];
      const publisherName = called(publisher as HostId);
      const isRarer = before !== undefined && before.copies < copies;
      files.set(
        key,
        isRarer
          ? before
          : { name, publisher, publisherName, copies, blocks: (before?.copies === copies ? before.blocks : 0) + 1 },
      );
    }
  }
  return [...files.values()];
}

function ofRisk(atRisk: readonly FileAtRisk[], disks: readonly ShownDisk[]): readonly SaidFinding[] {
  const blocks = disks.reduce((sum, { rare }) => sum + rare, 0);
  if (blocks === 0) return [];
  const [first] = atRisk;
  const which = first === undefined ? '' : `, such as of ${first.name} by ${first.publisherName}`;
  const text = `${counted(blocks, 'block')} ${blocks === 1 ? 'has' : 'have'} fewer copies than acknowledge a put${which}. Keep all peers running until they are copied.`;
  const values = { blocks, name: first?.name ?? null, publisher: first?.publisherName ?? null };
  return [{ check: 'files at risk', level: 'bad', ...said('blocks-at-risk', values, text) }];
}

export function ofDisks(disks: readonly ShownDisk[]): readonly SaidFinding[] {
  const check = 'disks';
  const giving = disks.filter(({ quota }) => quota > 0);
  const told = giving.flatMap(({ name, isSelf, quota, used, room }): SaidFinding[] => {
    const part = room === 0 ? 1 : used / (used + room);
    if (part < tightPart) return [];
    const whose = isSelf ? 'this peer' : name;
    const isQuota = room >= quota - used;
    const remedy = isQuota ? 'Give it a larger quota' : 'Free some space on its disk';
    const text = `${whose} holds ${formatBytes(used)} and has room for ${formatBytes(room)}. ${remedy}, or start another peer.`;
    const line = said('disk-tight', { who: isSelf ? null : name, used, room, isQuota }, text);
    return [{ check, level: part < fullPart ? 'note' : 'bad', ...line }];
  });
  if (told.length > 0) return told;
  const sum = (of: (disk: ShownDisk) => number): number => giving.reduce((all, disk) => all + of(disk), 0);
  const does = giving.length === 1 ? 'holds' : 'hold';
  const has = giving.length === 1 ? 'has' : 'have';
  const values = { peers: giving.length, used: sum((disk) => disk.used), room: sum((disk) => disk.room) };
  const text = `${counted(giving.length, 'peer')} ${does} ${formatBytes(values.used)} and ${has} room for ${formatBytes(values.room)}`;
  return [{ check, level: 'good', ...said('disks', values, text) }];
}

function ofClock({ ahead, peers, note }: NonNullable<NodeStatus['clock']>): SaidFinding {
  const check = 'clock';
  if (note !== null) return { check, level: 'bad', ...clockOff({ ahead, peers }) };
  const text = `it agrees with ${peers === 1 ? 'that of the peer' : `those of ${peers} peers`} asked`;
  return { check, level: 'good', ...said('clock-agrees', { peers }, text) };
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
