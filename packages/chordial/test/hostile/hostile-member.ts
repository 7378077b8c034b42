/**
 * A hostile member: invited, with the real protocol on real sockets and real places on the ring. Without lies it stores and
 * serves what it receives, but repairs nothing.
 */

import { type Contact, defaultTimers, type MemberPointer, RingHost } from '@chordial/ring';
import { type Genesis, networkId } from '../../src/network/genesis.ts';
import { memberIdOfHost } from '../../src/network/host-id.ts';
import { createIdentity, type Identity } from '../../src/network/identity.ts';
import { admissionFrom, type Invite } from '../../src/network/invite.ts';
import { hello } from '../../src/network/join-hello.ts';
import type { Members } from '../../src/network/members.ts';
import { type RingCodec, ringCodec } from '../../src/network/ring-codec.ts';
import { ringKindPrefix, ringNetwork, ringRequests } from '../../src/network/ring-network.ts';
import { systemClock, systemRandom } from '../../src/network/system-clock.ts';
import { TlsTransport } from '../../src/network/tls-transport.ts';
import type { IncomingStream, OutgoingStream, Wire } from '../../src/network/transport.ts';
import { joinThrough } from '../../src/peer/enter-ring.ts';
import { ownMembers } from '../../src/peer/own-members.ts';
import { runtimeInvite } from '../../src/peer/runtime-invites.ts';
import { Hoard } from './hoard.ts';

/** A false answer. Null: the question is answered normally. */
export interface Lie {
  request?(from: Contact, kind: string, body: Wire): Promise<Wire> | null;
  stream?(from: Contact, kind: string, incoming: IncomingStream): Promise<OutgoingStream> | null;
}

export class HostileMember implements AsyncDisposable {
  readonly identity: Identity;
  readonly genesis: Genesis;
  /** The invite that admitted it, reusable for others. */
  readonly invite: Invite | null;
  readonly papers: Members;
  readonly transport: TlsTransport;
  readonly codec: RingCodec;
  readonly members: readonly MemberPointer[];
  readonly hoard = new Hoard();
  readonly #ring: RingHost;
  lie: Lie = {};
  /** Questions answered with a lie. */
  lies = 0;

  private constructor(identity: Identity, papers: Members, invite: Invite | null, transport: TlsTransport) {
    const { genesis } = papers;
    this.identity = identity;
    this.genesis = genesis;
    this.invite = invite;
    this.papers = papers;
    this.transport = transport;
    this.codec = ringCodec(genesis);
    this.members = ownMembers(genesis, identity, transport.contact, {});
    const network = ringNetwork(transport, this.codec);
    const idOf = genesis.rule === 'key' ? { idOf: idRule(genesis) } : {};
    this.#ring = new RingHost(
      {
        self: transport.contact,
        members: this.members,
        incarnation: Date.now(),
        shape: { bits: genesis.bits, successors: genesis.successors },
        smallRings: genesis.rule === 'chosen',
        timers: defaultTimers,
        cacheCapacity: 10_000,
        ...idOf,
        parallelAsks: 3,
        proximity: false,
        gossip: true,
        observe: () => {},
      },
      { clock: systemClock, random: systemRandom, network },
    );
  }

  /** Joins through a peer of the same user, which left an invite in its runtime folder. */
  static async join(address: string, runtime: string, identity = createIdentity()): Promise<HostileMember> {
    return HostileMember.joinWith(address, await runtimeInvite(address, runtime), identity);
  }

  static async joinWith(address: string, invite: Invite | null, identity = createIdentity()): Promise<HostileMember> {
    const shown = invite === null ? [] : shownBy(identity, invite);
    const greeting = await hello(address, { identity, network: invite?.network ?? null, shown });
    const { genesis, members: papers } = greeting;
    const listen = '127.0.0.1:0';
    const transport = new TlsTransport({ identity, genesis, members: papers, listen, report: () => {} });
    let answering: HostileMember | null = null;
    await transport.serve({
      request: async (from, kind, body) => (answering === null ? refuse() : answering.#answer(from, kind, body)),
      stream: async (from, kind, incoming) => (answering === null ? refuse() : answering.#pour(from, kind, incoming)),
      heard: (from) => {
        if (answering !== null) answering.#ring.heard(from);
      },
    });
    const member = new HostileMember(identity, papers, invite, transport);
    answering = member;
    await joinThrough([greeting.contact], {
      ring: member.#ring,
      ownId: identity.host,
      network: ringNetwork(transport, member.codec),
      clock: systemClock,
      random: systemRandom,
      signal: new AbortController().signal,
      tell: () => {},
    });
    return member;
  }

  get networkId(): string {
    return networkId(this.genesis);
  }

  /** Its HELLO documents, or those of another key with the same invite. */
  shownFor(identity: Identity): readonly Uint8Array[] {
    if (identity === this.identity) return this.papers.shown();
    return this.invite === null ? [] : shownBy(identity, this.invite);
  }

  /** The known victims. */
  get others(): readonly Contact[] {
    return this.#ring.liveHosts();
  }

  /** Members of honest hosts too, in ring order. */
  get ring(): readonly MemberPointer[] {
    return this.#ring.members();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ring.close();
    await this.transport.close();
  }

  async #answer(from: Contact, kind: string, body: Wire): Promise<Wire> {
    const lie = this.lie.request?.(from, kind, body) ?? null;
    if (lie !== null) {
      this.lies += 1;
      return lie;
    }
    if (kind.startsWith(ringKindPrefix)) return ringRequests(this.#ring, this.codec)(from, kind, body);
    return this.hoard.request(kind, body);
  }

  async #pour(from: Contact, kind: string, incoming: IncomingStream): Promise<OutgoingStream> {
    const lie = this.lie.stream?.(from, kind, incoming) ?? null;
    if (lie !== null) {
      this.lies += 1;
      return lie;
    }
    return this.hoard.stream(kind, incoming);
  }
}

function shownBy(identity: Identity, { papers }: Invite): readonly Uint8Array[] {
  return papers === null ? [] : [admissionFrom(papers, identity, 'mallory').bytes];
}

function idRule({ bits }: Genesis) {
  return (host: Contact['host'], index: number) => memberIdOfHost(host, index, bits);
}

function refuse(): never {
  throw new Error('not yet');
}
