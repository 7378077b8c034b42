/** Whether everything is safe: copies, disks, clock, reachability, as findings in plain words with what to do. */
import type { Clock, HostId } from '@chordial/ring';
import { shownTime } from '../flow/timetable.ts';
import type { RepairState } from '../replication/repair-progress.ts';
import type { Claim } from '../storage/claim-table.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
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
import type { CopiesHealth, FileAtRisk, Finding, Health, ShownDisk } from './shown-health.ts';

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
  const findings: Finding[] = [
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

export function worst(findings: readonly Finding[]): Finding['level'] {
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

function ofState({ state, hosts, listen }: NodeStatus): Finding {
  const text = `state ${state}, ${counted(hosts, 'host')} in the ring, listening at ${listen}`;
  return state === 'member'
    ? { check: 'running peer', level: 'good', text }
    : { check: 'running peer', level: 'bad', text: `${text}. See what it prints.` };
}

export function ofCopies({ state, wanted, hosts, lacking, answered, asked, until, waitsUntil }: CopiesHealth): Finding {
  const check = 'copies';
  const silent = asked - answered;
  const who =
    silent === 0 ? `as all ${counted(answered, 'peer')} say` : `as ${answered} of ${counted(asked, 'peer')} say`;
  const missing = counted(lacking ?? 0, 'copy', 'copies');
  const end = until === null ? '' : `, until about ${shownTime(until)}`;
  switch (state) {
    case 'whole':
      return { check, level: 'good', text: `everything has its ${counted(wanted, 'copy', 'copies')}, ${who}` };
    case 'waiting': {
      const text = `${missing} are at peers that are away; unless they return, others are made from ${shownTime(waitsUntil ?? '')} on`;
      return { check, level: 'note', text };
    }
    case 'repairing':
      return {
        check,
        level: 'note',
        text: `${missing} of ${wanted} each are being made${end}, ${who}. Nothing is to be done.`,
      };
    case 'few-peers': {
      const text = `${counted(hosts, 'peer')} can hold only ${hosts} of the ${wanted} copies. Start more peers that give room, on other machines.`;
      return { check, level: 'note', text };
    }
    default:
      return { check, level: 'note', text: 'not compared with other peers yet. Look again in a minute.' };
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

function ofRisk(atRisk: readonly FileAtRisk[], disks: readonly ShownDisk[]): readonly Finding[] {
  const blocks = disks.reduce((sum, { rare }) => sum + rare, 0);
  if (blocks === 0) return [];
  const [first] = atRisk;
  const which = first === undefined ? '' : `, such as of ${first.name} by ${first.publisherName}`;
  const text = `${counted(blocks, 'block')} ${blocks === 1 ? 'has' : 'have'} fewer copies than acknowledge a put${which}. Keep all peers running until they are copied.`;
  return [{ check: 'files at risk', level: 'bad', text }];
}

export function ofDisks(disks: readonly ShownDisk[]): readonly Finding[] {
  const check = 'disks';
  const giving = disks.filter(({ quota }) => quota > 0);
  const told = giving.flatMap(({ name, isSelf, quota, used, room }): Finding[] => {
    const part = room === 0 ? 1 : used / (used + room);
    if (part < tightPart) return [];
    const whose = isSelf ? 'this peer' : name;
    const text = `${whose} holds ${formatBytes(used)} and has room for ${formatBytes(room)}`;
    const remedy = room < quota - used ? 'Free some space on its disk' : 'Give it a larger quota';
    return [{ check, level: part < fullPart ? 'note' : 'bad', text: `${text}. ${remedy}, or start another peer.` }];
  });
  if (told.length > 0) return told;
  const sum = (of: (disk: ShownDisk) => number): number => giving.reduce((all, disk) => all + of(disk), 0);
  const does = giving.length === 1 ? 'holds' : 'hold';
  const has = giving.length === 1 ? 'has' : 'have';
  const text = `${counted(giving.length, 'peer')} ${does} ${formatBytes(sum(({ used }) => used))} and ${has} room for ${formatBytes(sum(({ room }) => room))}`;
  return [{ check, level: 'good', text }];
}

function ofClock({ peers, note }: NonNullable<NodeStatus['clock']>): Finding {
  if (note !== null) return { check: 'clock', level: 'bad', text: note };
  return {
    check: 'clock',
    level: 'good',
    text: `it agrees with ${peers === 1 ? 'that of the peer' : `those of ${peers} peers`} asked`,
  };
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
