/** The health of a peer as interfaces show it. */

import type { Said } from '../sentences.ts';
import type { PeerReport } from './peer-reports.ts';

export interface Finding {
  readonly check: string;
  /** `bad`: it will not work; `note`: it may surprise. */
  readonly level: 'good' | 'note' | 'bad';
  readonly text: string;
}

/** Of a running peer: one that the page can say in the language of its reader. */
export type SaidFinding = Omit<Finding, 'text'> & Said;

/** What a peer gives, holds and can take. */
export interface ShownDisk extends PeerReport {
  readonly id: string;
  readonly name: string;
  readonly isSelf: boolean;
}

export interface FileAtRisk {
  readonly name: string;
  readonly publisher: string;
  readonly publisherName: string;
  /** Of its rarest block. */
  readonly copies: number;
  /** Of its blocks that are as rare. */
  readonly blocks: number;
}

export interface CopiesHealth {
  readonly state: 'whole' | 'repairing' | 'waiting' | 'few-peers' | 'unknown';
  /** Copies that each block is to have, and peers that may hold one. */
  readonly wanted: number;
  readonly hosts: number;
  /** Copies to be made, as the peers that answered say; null while none knows. */
  readonly lacking: number | null;
  /** Peers that answered, this one included, of those asked. */
  readonly answered: number;
  readonly asked: number;
  /** ISO 8601, estimated by this peer's pace. */
  readonly until: string | null;
  /** When copies of a peer that is away are made elsewhere. */
  readonly waitsUntil: string | null;
}

export interface Health {
  readonly level: Finding['level'];
  readonly time: string;
  readonly findings: readonly SaidFinding[];
  readonly copies: CopiesHealth;
  readonly atRisk: readonly FileAtRisk[];
  readonly disks: readonly ShownDisk[];
}
