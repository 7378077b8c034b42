/** Short titles of the specification's rows; tests of a row start their title with its number. */
export const rows = {
  A1: 'start as HOST PORT, defaults, many nodes on one machine',
  A2: 'interactive menu',
  A3: 'join through any peer, concurrent joins',
  A4: 'graceful leave hands keys over',
  A5: 'abrupt departure is detected and repaired',
  A6: 'upload to the peers that the hash names',
  A7: 'download from any peer; absent says not found',
  A8: 'exactly r replicas after joins, leaves, failures',
  A9: 'a joining node receives its share',
  A10: 'consistent hashing, fingers, O(log N), virtual nodes',
  A11: 'stabilize, rectify, fingers in the background; invariants',
  A12: 'external programs: HTTP API on every peer',
  A13: 'one command starts a network of 7 and shows it',
  A14: 'join <new> <known> <interval>, Quit, Store, Request',
  A15: 'shared folder, watched and rescanned',
  A16: 'query by name or hash over the ring, hop limit and id',
  A17: 'download straight from its holder, /download/<name>',
  A18: 'heartbeats and liveness shown per peer',
  A19: 'web page: search, results, links',
  A20: '/health: peers and recent queries',
  A21: 'config file',
  A22: 'large files; every failure an error with a cause',
  A23: 'each peer tells in plain lines what happens',
  A24: 'numeric ids in a teaching ring',
  A25: 'queries asked, answered, forwarded are shown',
  A26: 'known peers are remembered and tried again',
  A27: 'where replicas lie is argued',
  B1: 'content addresses shared with IPFS; get takes a CID',
  B2: 'multi-source, verified, resumable download',
  B3: 'TLS 1.3 everywhere, peers known by key, private networks',
  B4: 'write quorum, automatic repair, replica health',
  B5: 'keyword search with ranking; browse a peer',
  B6: 'web page with transfers; REST; live events',
  B7: 'metrics, health, systemd, container, --json',
  B8: 'trustless gateway and delegated routing',
  B9: 'WebDAV',
  B10: 'LAN discovery, port mapping, relay',
  B11: 'bandwidth limits with a schedule',
  B12: 'hard quotas, incremental garbage collection',
  B13: 'send by link or short code',
  B14: 'blocks in an S3-compatible store',
  B15: 'sealed files: hosts and other members cannot read them; stock age opens them',
  B18: 'drop box: a stranger with a link uploads, and sees nothing',
  C1: 'a correct Chord, invariant checked over every step',
  C2: 'one-hop lookups on thousands, never wrong',
  C3: 'one small program, no second service',
  C4: 'same ring code in production and simulator',
  C5: 'every paper figure by a command',
} as const satisfies Record<string, string>;

export type Row = keyof typeof rows;

/** The rows named at the start of a test's title: `A5 A8 the ring heals` names A5 and A8. Unknown numbers are returned too. */
export function rowsOfTitle(title: string): readonly string[] {
  const head = /^((?:[ABC]\d{1,2}[ ,:]+)+)/.exec(`${title} `);
  return head === null ? [] : (head[1] ?? '').split(/[ ,:]+/).filter((word) => word !== '');
}

export function isRow(word: string): word is Row {
  return Object.hasOwn(rows, word);
}
