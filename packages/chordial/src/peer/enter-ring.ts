/**
 * How a peer becomes a member: it founds a network, joins one, or returns to one whose other members may all be down.
 *
 * Return (spec "Whole restart"): ask the remembered peers; join through the first that answers as a member. If none
 * does for 3 s, found the ring again with the same genesis: at once if this peer's id is the smallest among those that
 * answered, else after 5 to 10 s. When all have answered, none as a member, the 3 s are skipped. Rings founded
 * separately are merged by `@chordial/ring`.
 */

import type { Clock, Contact, HostId, Milliseconds, Random, RingHost, RingNetwork } from '@chordial/ring';
import { ChordialError } from '../errors.ts';
import { type Said, said } from '../sentences.ts';

export interface EnterPorts {
  readonly ring: RingHost;
  /** The id of the first own member, in display form. */
  readonly ownId: string;
  readonly network: RingNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  tell(line: Pick<Said, 'text'>): void;
  /** Finds out how others can reach this peer, with these. */
  beforeJoining?(contacts: readonly Contact[]): Promise<void>;
}

/** How long no peer must answer as a member before this peer considers founding again. */
const silenceBeforeFounding: Milliseconds = 3000;
const minWaitForSmaller: Milliseconds = 5000;
const maxWaitForSmaller: Milliseconds = 10_000;
/** All peers ask all others while all start at once: asking more often would take the time they need to start. */
const pollPause: Milliseconds = 500;
const pollDeadline: Milliseconds = 1000;
/** Remembered peers asked per round. */
const maxPolled = 64;

/** The peers that a joiner contacts dial it back, with retries: they may be busy. */
const maxDialBacks = 4;
const dialBackTurns = 3;
const dialBackDeadline: Milliseconds = 3000;

/** Throws `join-failed`, `id-taken` or `interrupted`. */
export async function joinThrough(contacts: readonly Contact[], ports: EnterPorts): Promise<void> {
  const { ring, signal } = ports;
  if (!ring.isClient) {
    await ports.beforeJoining?.(contacts);
    await checkReached(contacts, ports);
  }
  const failure = await new Promise<string | null>((resolve, reject) => {
    const stopped = () => reject(interrupted());
    if (signal.aborted) return stopped();
    signal.addEventListener('abort', stopped);
    ring.join(contacts, (result) => {
      signal.removeEventListener('abort', stopped);
      resolve(result);
    });
  });
  if (failure === 'taken') {
    const message = `The ring id ${ports.ownId} is taken by another live peer. Choose another with --id.`;
    throw new ChordialError('id-taken', message);
  }
  if (failure !== null) {
    const tried = contacts.map((c) => c.addresses[0] ?? c.host).join(', ');
    const message = `The ring could not be joined through ${tried}: no peer there answers any more, or the ring changes too fast to find this peer's place. Check that they are running and try again, or join through another peer.`;
    throw new ChordialError('join-failed', message);
  }
}

/**
 * Others must be able to dial a member, so the peers contacted are asked to try before it joins: otherwise it would
 * keep appearing and failing. Throws `join-failed`, naming who tried which address, when none of those that answer
 * could reach it.
 */
async function checkReached(contacts: readonly Contact[], { ring, network, clock, signal }: EnterPorts): Promise<void> {
  const asked = contacts.slice(0, maxDialBacks);
  let failed: readonly Contact[] = [];
  for (let turn = 1; turn <= dialBackTurns; turn++) {
    if (signal.aborted) throw interrupted();
    failed = [];
    const isOver = await new Promise<boolean>((resolve) => {
      let open = asked.length;
      for (const contact of asked) {
        network.ask(contact, { kind: 'probe', ask: { hosts: [ring.self] }, deadline: dialBackDeadline }, (result) => {
          open -= 1;
          const reached = result.ok ? result.answer.reached[0] : undefined;
          if (reached === false) failed = [...failed, contact];
          if (reached === true) resolve(true);
          else if (open === 0) resolve(failed.length === 0);
        });
      }
      if (open === 0) resolve(true);
    });
    if (isOver) return;
    await new Promise<void>((resolve) => clock.after(pollPause, resolve));
  }
  const by = failed.map(({ addresses, host }) => addresses[0] ?? host).join(', ');
  const own = ring.self.addresses.join(', ');
  const message = `The ring could not be joined: the peer at ${by} tried to reach this one at ${own} and could not. Members dial each other: give --advertise the HOST:PORT at which others reach this machine and open that port, or leave it out where they reach this machine itself. With --quota 0 a peer is a client and need not be reachable.`;
  throw new ChordialError('join-failed', message);
}

/** Joins through the remembered peers, and members found meanwhile on the LAN, or founds again; resolves as a member. */
export async function returnToRing(
  known: readonly Contact[],
  ports: EnterPorts,
  nearby: () => readonly Contact[] = () => [],
): Promise<void> {
  const { ring, clock, random, signal } = ports;
  let others: readonly Contact[] = known.filter(({ host }) => host !== ring.self.host);
  if (others.length === 0) {
    if (ring.isClient) throw clientAlone();
    return ring.found();
  }
  const asked = `asking ${others.length} remembered ${others.length === 1 ? 'peer' : 'peers'}`;
  ports.tell(said('returning', { peers: others.length }, `Returning to the network: ${asked}`));
  const began = clock.now();
  let foundAt = began + silenceBeforeFounding;
  let waitedForSmaller = false;
  let told = '';
  const tellOnce: EnterPorts['tell'] = (line) => {
    if (line.text !== told) ports.tell(line);
    told = line.text;
  };
  /** A host that has answered once is up, even if it is too busy for the next request. */
  const there = new Set<HostId>();
  for (;;) {
    if (signal.aborted) throw interrupted();
    others = withThose(others, nearby());
    const answers = await poll(others, ports);
    for (const { contact } of answers) there.add(contact.host);
    const members = answers.filter((a) => a.member).map((a) => a.contact);
    if (members.length > 0) {
      if (await hasJoined(members, { ...ports, tell: tellOnce })) return;
      // They left while this peer joined, perhaps for good, and then one peer has to found again.
      foundAt = clock.now() + silenceBeforeFounding;
      continue;
    }
    // A client cannot found: it waits for a member.
    if ((clock.now() >= foundAt || (!waitedForSmaller && isEverybody(answers, others))) && !ring.isClient) {
      const smallest = [...there].every((host) => ring.self.host < host);
      if (smallest || waitedForSmaller) break;
      waitedForSmaller = true;
      // The smallest founds now; if it does not, it has left.
      foundAt = clock.now() + minWaitForSmaller + (maxWaitForSmaller - minWaitForSmaller) * random.next();
    }
    await new Promise<void>((resolve) => clock.after(pollPause, resolve));
  }
  ports.tell(said('founding-again', {}, 'No remembered peer is in a ring: founding it again'));
  ring.found();
  ring.remember(others);
}

/** Those found first: only some are asked, and the remembered addresses may be old. */
function withThose(others: readonly Contact[], found: readonly Contact[]): readonly Contact[] {
  const hosts = new Set(found.map(({ host }) => host));
  const both = others.filter(({ host }) => hosts.has(host));
  const unknown = found.filter(({ host }) => !both.some((one) => one.host === host));
  return [...both, ...unknown, ...others.filter(({ host }) => !hosts.has(host))];
}

async function hasJoined(members: readonly Contact[], ports: EnterPorts): Promise<boolean> {
  try {
    await joinThrough(members, ports);
    return true;
  } catch (error) {
    if (!(error instanceof ChordialError) || error.code !== 'join-failed') throw error;
    ports.tell({ text: `${error.message} Asking all again.` });
    return false;
  }
}

function clientAlone(): ChordialError {
  const message =
    'With --quota 0 this peer is a client: it stores nothing, so it cannot found a network. Name a peer to join with --join HOST:PORT, or give it a quota.';
  return new ChordialError('bad-usage', message);
}

function interrupted(): ChordialError {
  return new ChordialError('interrupted', 'The peer was told to stop while it was joining.');
}

interface Answered {
  readonly contact: Contact;
  readonly member: boolean;
}

/** Which peers answer, and which of them is a member. The first member suffices. */
function poll(others: readonly Contact[], { network }: EnterPorts): Promise<readonly Answered[]> {
  const asked = others.slice(0, maxPolled);
  const answers: Answered[] = [];
  let open = asked.length;
  return new Promise((resolve) => {
    for (const contact of asked) {
      network.ask(contact, { kind: 'gossip', ask: { events: [] }, deadline: pollDeadline }, (result) => {
        open -= 1;
        const member = result.ok && result.answer.events.some((e) => isAlive(e, contact.host));
        if (result.ok) answers.push({ contact, member });
        if (member || open === 0) resolve([...answers]);
      });
    }
  });
}

/** Since only some are asked, another one may be a member. */
function isEverybody(answers: readonly Answered[], others: readonly Contact[]): boolean {
  return others.length <= maxPolled && answers.length === others.length;
}

function isAlive(event: { type: string; contact: Contact }, host: HostId): boolean {
  return event.type === 'alive' && event.contact.host === host;
}
