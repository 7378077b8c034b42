/** Whether everything is safe, from the health of a peer: what the page says first, and in its frame. */
import type { Health, PeerStatus } from '../../src/client/answers.ts';

export type Verdict =
  | { readonly kind: 'safe' | 'empty' | 'unknown'; readonly level: 'good' }
  | { readonly kind: 'repairing' | 'waiting' | 'few-peers' | 'full'; readonly level: 'note' }
  | { readonly kind: 'risk' | 'trouble'; readonly level: 'bad' };

/** Checks whose bad findings the sentence about copies says already. */
export const ofCopies: readonly string[] = ['copies', 'files at risk'];

export function verdictOf({ copies, atRisk, disks, findings }: Health): Verdict {
  const held = disks.reduce((sum, { used }) => sum + used, 0);
  if (atRisk.length > 0 || rareBlocks(disks) > 0) return { kind: 'risk', level: 'bad' };
  if (findings.some(({ check, level }) => level === 'bad' && !ofCopies.includes(check)))
    return { kind: 'trouble', level: 'bad' };
  if (copies.state === 'repairing' || copies.state === 'waiting') return { kind: copies.state, level: 'note' };
  if (held === 0) return { kind: 'empty', level: 'good' };
  if (copies.state === 'few-peers') return { kind: 'few-peers', level: 'note' };
  if (copies.state === 'unknown') return { kind: 'unknown', level: 'good' };
  if (findings.some(({ check, level }) => check === 'disks' && level === 'note'))
    return { kind: 'full', level: 'note' };
  return { kind: 'safe', level: 'good' };
}

/** Blocks with fewer copies than acknowledge a put, as all peers say that answered. */
export function rareBlocks(disks: Health['disks']): number {
  return disks.reduce((sum, { rare }) => sum + rare, 0);
}

/** What is wrong beside the copies. */
export function troubles({ findings }: Health): Health['findings'] {
  return findings.filter(({ check, level }) => level === 'bad' && !ofCopies.includes(check));
}

/** Peers that hold copies, or did, and do not answer. */
export function awayPeers(peers: readonly PeerStatus[]): readonly PeerStatus[] {
  return peers.filter(({ state }) => state === 'dead' || state === 'away');
}
