/** The tables of docs/wire-format.md against the schemas: what a question and an answer look like. */
import { helloAnswer, helloAsk } from '../../src/network/hello.ts';
import { ringMessages } from '../../src/network/ring-codec.ts';
import { browseMessages } from '../../src/peer/browsing.ts';
import { clockMessages } from '../../src/peer/clock-watch.ts';
import { recordMessages } from '../../src/records/record-messages.ts';
import { shareMessages } from '../../src/records/share-messages.ts';
import { blockMessages } from '../../src/replication/block-messages.ts';
import { claimMessages } from '../../src/replication/claim-messages.ts';
import { syncMessages } from '../../src/replication/sync-messages.ts';
import { searchMessages } from '../../src/search/search-messages.ts';
import type { Message } from '../../src/wire/message.ts';

export const wireFormatPagePath = 'docs/wire-format.md';

/** What question and answer look like. */
export interface MessageRow {
  readonly kind: string;
  readonly question: string | undefined;
  readonly answer: string | undefined;
}

/** A room with messages of its own adds its table here. */
const tables: readonly Readonly<Record<string, Message<never, never>>>[] = [
  blockMessages,
  claimMessages,
  syncMessages,
  recordMessages,
  shareMessages,
  searchMessages,
  browseMessages,
  clockMessages,
] as never;

export function messageRows(): readonly MessageRow[] {
  const ring = ringMessages({ bits: 256, successors: 16, rule: 'key' });
  return [
    { kind: 'POST /hello', question: helloAsk.text, answer: helloAnswer.text },
    ...Object.entries(ring).map(([kind, { ask, answer }]) => ({ kind, question: ask.text, answer: answer.text })),
    ...tables
      .flatMap((table) => Object.values(table))
      .map(({ kind, question, answer }) => ({ kind, question: question.text, answer: answer.text })),
  ];
}

/** What is missing or different on the page; each cell begins with the form, and may go on in words. */
export function wireFormatFaults(page: string, rows: readonly MessageRow[]): readonly string[] {
  return rows.flatMap(({ kind, question, answer }) => {
    const cells = page
      .split('\n')
      .find((line) => line.startsWith(`| \`${kind}\` `))
      ?.split(' | ');
    if (cells === undefined) return [`${kind}: no row`];
    return [question, answer].flatMap((form, index) =>
      cells[index + 1]?.trimStart().startsWith(`\`${form}\``) ? [] : [`${kind}: not \`${form}\``],
    );
  });
}
