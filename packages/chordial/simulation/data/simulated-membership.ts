/** A simulated host's knowledge of others: first contact, and removals from the real membership log. */

import type { HostId, Milliseconds } from '@chordial/ring';
import { found } from '../../src/network/genesis.ts';
import { publicKeyOfHostId } from '../../src/network/host-id.ts';
import { Members } from '../../src/network/members.ts';
import { type AdmissionMode, type KnownHost, type Membership, OpenMembership } from '../../src/network/membership.ts';
import type { Signer } from '../../src/records/names.ts';
import { simulatedIdentity } from './simulated-identity.ts';

/** An open network whose first host is the admin, with a fixed nonce. */
const genesis = {
  ...found(
    { admission: 'open' },
    { founder: publicKeyOfHostId(simulatedIdentity(0).host), recovery: new Uint8Array(32) },
  ),
  nonce: new Uint8Array(16),
};

export class SimulatedMembership implements Membership {
  readonly admission: AdmissionMode;
  readonly members: Members;
  readonly #met: OpenMembership;

  constructor(admission: AdmissionMode, signer: Signer, wallTime: () => Milliseconds) {
    this.admission = admission;
    this.#met = new OpenMembership(admission);
    this.members = new Members({ genesis, signer, wallTime });
  }

  saw(host: HostId, at: Milliseconds): void {
    this.#met.saw(host, at);
  }

  of(host: HostId): KnownHost {
    return this.#met.of(host);
  }

  isRemoved(host: HostId): boolean {
    return this.members.isRemoved(host);
  }

  refuses(host: HostId, time: Milliseconds): boolean {
    return this.members.refuses(host, time);
  }

  removed(): readonly HostId[] {
    return this.members.removed();
  }

  named(): readonly HostId[] {
    return [];
  }
}
