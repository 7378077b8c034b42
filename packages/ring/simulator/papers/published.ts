/**
 * What the papers measured. The r of their settings, the length of a successor list, is our s.
 *
 * SIGCOMM: Stoica, Morris, Karger, Kaashoek, Balakrishnan, "Chord: A Scalable Peer-to-peer Lookup Service for Internet
 * Applications", ACM SIGCOMM 2001. ToN: the same with Liben-Nowell and Dabek, IEEE/ACM Transactions on Networking 11(1), 2003.
 */

/** ToN Table II: N = 1000, r = 20; a fraction of the nodes fails at once, nothing is repaired, every lookup succeeds. */
export const massiveFailures = [
  { failed: 0, path: 3.84, timeouts: 0 },
  { failed: 0.1, path: 4.03, timeouts: 0.6 },
  { failed: 0.2, path: 4.22, timeouts: 1.17 },
  { failed: 0.3, path: 4.44, timeouts: 2.02 },
  { failed: 0.4, path: 4.69, timeouts: 3.23 },
  { failed: 0.5, path: 5.09, timeouts: 5.1 },
] as const;

/** ToN Table III: N ≈ 1000, r = 20, stabilization every 15 to 45 s; `rate`: joins, and as many leaves, a second. */
export const churn = [
  { rate: 0.05, timeouts: 0.05, failuresPer10000: 0 },
  { rate: 0.1, timeouts: 0.11, failuresPer10000: 0 },
  { rate: 0.15, timeouts: 0.16, failuresPer10000: 2 },
  { rate: 0.2, timeouts: 0.23, failuresPer10000: 5 },
  { rate: 0.25, timeouts: 0.3, failuresPer10000: 6 },
  { rate: 0.3, timeouts: 0.34, failuresPer10000: 8 },
  { rate: 0.35, timeouts: 0.42, failuresPer10000: 16 },
  { rate: 0.4, timeouts: 0.46, failuresPer10000: 15 },
] as const;

/** Keys per node as multiples of the mean: SIGCOMM Figures 8 and 9, ToN the same with 10^4 nodes and 5·10^5 keys. */
export const load = {
  oneMember: { ninetyNinth: 4.6, max: 9.1 },
  twentyMembers: { first: 0.5, ninetyNinth: 1.6 },
} as const;

export const sources = {
  table2: 'ToN 2003, Table II',
  table3: 'ToN 2003, Table III',
  load: 'SIGCOMM 2001, Figures 8 and 9 (ToN 2003, Section V)',
  hops: 'SIGCOMM 2001 and ToN 2003: ½·log2 N',
} as const;
