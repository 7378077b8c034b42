/** Creates transports for the contract tests. */

import type { Contact } from '@chordial/ring';
import type { Handlers, Transport } from '../../src/network/transport.ts';

export interface Served {
  readonly transport: Transport;
  readonly contact: Contact;
}

export interface TransportHarness {
  /** A transport that serves and can reach all others of this harness. */
  serve(handlers: Handlers): Promise<Served>;
  dispose(): Promise<void>;
}
