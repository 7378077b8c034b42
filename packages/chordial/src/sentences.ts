/**
 * Sentences that a peer says to people, by code, with the kinds of their values. A peer says them in English; the page says
 * them by code and values in the language of its reader.
 */

const none = {} as const;
const who = { who: 'text' } as const;
const door = { url: 'text', services: 'texts' } as const;
const certificate = { url: 'text', expires: 'text' } as const;

/** Sizes are in bytes, times ISO 8601. */
export const sentences = {
  // The ring. `who` is null for this peer, `place` for a teaching ring, where peers are called by their places.
  joined: none,
  'rings-merge': who,
  isolated: none,
  'join-request': who,
  'join-forwarded': { who: 'text', next: 'text' },
  'join-accepted': who,
  successor: { which: 'number', isNew: 'flag', who: 'text?', place: 'text?' },
  predecessor: { who: 'text?', place: 'text?' },
  neighbour: who,
  'peer-alive': who,
  'peer-dead': who,
  'peer-away': who,
  'peer-left': who,
  // The peer and its network.
  founding: none,
  'founding-again': none,
  returning: { peers: 'number' },
  leaving: none,
  left: none,
  stopping: none,
  'not-all-given': { seconds: 'number' },
  'copies-given': { copies: 'number' },
  awake: { seconds: 'number' },
  'addresses-changed': { addresses: 'texts' },
  'member-removed': who,
  'network-open': none,
  'network-classroom': none,
  'quota-chosen': { bytes: 'number', isHalfOfFree: 'flag' },
  'limit-changed': { isStopped: 'flag', up: 'number?', down: 'number?', until: 'text?' },
  // Files, copies, searches.
  published: { what: 'text', name: 'text', size: 'number', cid: 'text', copies: 'number' },
  received: { name: 'text?', cid: 'text', size: 'number' },
  removed: { name: 'text' },
  stored: { blocks: 'number', bytes: 'number', who: 'text' },
  sent: { blocks: 'number', bytes: 'number', who: 'text' },
  moved: { copies: 'number', records: 'number', dropped: 'number', cached: 'number' },
  'copy-corrupt': { cid: 'text', isReplaced: 'flag' },
  freed: { blocks: 'number' },
  shared: { path: 'text' },
  unshared: { path: 'text' },
  'left-out': { path: 'text', what: 'text', why: 'text' },
  'more-left-out': { path: 'text', count: 'number' },
  asked: { query: 'text', responses: 'number' },
  answered: { query: 'text', responses: 'number' },
  forwarded: { query: 'text', peers: 'number' },
  // Notes on links and transfers.
  'sealed-copy': none,
  'link-outlives-file': { expires: 'text' },
  'link-needs-sharer': none,
  'slow-peers': { names: 'texts', more: 'number' },
  // Findings of its health.
  running: { state: 'text', peers: 'number', listen: 'text' },
  'copies-whole': { wanted: 'number', answered: 'number', asked: 'number' },
  'copies-waiting': { lacking: 'number', until: 'text?' },
  'copies-repairing': { lacking: 'number', wanted: 'number', until: 'text?', answered: 'number', asked: 'number' },
  'copies-few-peers': { wanted: 'number', peers: 'number' },
  'copies-unknown': none,
  'blocks-at-risk': { blocks: 'number', name: 'text?', publisher: 'text?' },
  'disk-tight': { who: 'text?', used: 'number', room: 'number', isQuota: 'flag' },
  disks: { peers: 'number', used: 'number', room: 'number' },
  'clock-agrees': { peers: 'number' },
  'clock-off': { seconds: 'number', isAhead: 'flag', peers: 'number' },
  'clock-set': none,
  'reach-loopback-only': none,
  'reach-unknown': none,
  'reach-open': { members: 'number', address: 'text' },
  'reach-hidden': { failed: 'number', asked: 'number', address: 'text', outcome: 'text', relays: 'number?' },
  'mapping-off': { reason: 'text', address: 'text?' },
  'mapping-asking': none,
  'mapping-no-gateway': none,
  'mapping-no-router': { gateway: 'text' },
  'mapping-refused': { gateway: 'text', protocol: 'text', reason: 'text', beyond: 'text', address: 'text?' },
  'mapping-mapped': {
    gateway: 'text',
    protocol: 'text',
    port: 'number',
    beyond: 'text',
    address: 'text?',
    until: 'text?',
  },
  'lan-none': none,
  'lan-fault': { name: 'text', fault: 'text', isForbidden: 'flag' },
  'lan-blocked': { name: 'text' },
  'lan-alone': { names: 'texts' },
  'lan-heard': { peers: 'number', tag: 'text?', interfaces: 'texts', addresses: 'texts', members: 'texts' },
  'store-up': { place: 'text', cached: 'number?' },
  'store-full': { place: 'text', reason: 'text' },
  'store-away': { place: 'text', reason: 'text' },
  'store-refused': { place: 'text', reason: 'text' },
  limited: { isStopped: 'flag', up: 'number?', down: 'number?', until: 'text?' },
  zones: { zones: 'texts', alone: 'number' },
  'zones-few': { zones: 'texts', alone: 'number', copies: 'number' },
  'only-admin': who,
  'long-unseen': { who: 'text', days: 'number' },
  'member-waiting': who,
  'open-invites': { count: 'number' },
  members: { count: 'number', admins: 'number' },
  'door-plain': door,
  door: { ...door, expires: 'text?' },
  'certificate-expired': certificate,
  'certificate-ends': certificate,
  'certificate-fault': { ...door, expires: 'text', fault: 'text' },
} as const;

interface Kinds {
  readonly text: string;
  readonly 'text?': string | null;
  readonly number: number;
  readonly 'number?': number | null;
  readonly flag: boolean;
  readonly texts: readonly string[];
}

export type SentenceCode = keyof typeof sentences;

export type ValuesOf<C extends SentenceCode> = {
  readonly [Name in keyof (typeof sentences)[C]]: (typeof sentences)[C][Name] extends keyof Kinds
    ? Kinds[(typeof sentences)[C][Name]]
    : never;
};

export interface Said {
  /** In English. */
  readonly text: string;
  readonly code: SentenceCode;
  readonly values: Readonly<Record<string, unknown>>;
}

export function said<C extends SentenceCode>(code: C, values: ValuesOf<C>, text: string): Said {
  return { text, code, values };
}

export const sentenceCodes = Object.keys(sentences) as readonly SentenceCode[];
