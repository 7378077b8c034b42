/** Words of the ring's messages that go over the wire as small numbers: their position here. Append only. */
import type { MembershipEvent, StateAnswer } from '../ring/messages.ts';

export const eventTypes = ['alive', 'away', 'left', 'dead'] as const satisfies readonly MembershipEvent['type'][];
export const statuses = ['not-member', 'pending'] as const satisfies readonly StateAnswer['status'][];
