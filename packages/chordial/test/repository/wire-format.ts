/** The tables of docs/wire-format.md against the schemas: what questions, answers and papers look like. */

import { codeMessages } from '../../src/codes/code-messages.ts';
import { linkMessages } from '../../src/links/link-messages.ts';
import { admissionParts, certificate, stampParts, ticket } from '../../src/network/admission.ts';
import { helloAnswer, helloAsk } from '../../src/network/hello.ts';
import { invite } from '../../src/network/invite.ts';
import { membersMessages } from '../../src/network/members-exchange.ts';
import {
  changeOfGrant,
  changeOfMember,
  linkPaper,
  recovery,
  takeBack,
  vote,
} from '../../src/network/membership-log.ts';
import { movedMessages } from '../../src/network/moved-host.ts';
import { backAsk, call } from '../../src/network/relay-messages.ts';
import { ringMessages } from '../../src/network/ring-codec.ts';
import { refusal } from '../../src/network/small-exchange.ts';
import { browseMessages } from '../../src/peer/browsing.ts';
import { clockMessages } from '../../src/peer/clock-watch.ts';
import { doorMessages } from '../../src/peer/doors.ts';
import { reportMessages } from '../../src/peer/peer-reports.ts';
import { reachMessages } from '../../src/reach/reach-messages.ts';
import { recordMessages } from '../../src/records/record-messages.ts';
import { shareMessages } from '../../src/records/share-messages.ts';
import { blockMessages } from '../../src/replication/block-messages.ts';
import { claimMessages } from '../../src/replication/claim-messages.ts';
import { syncMessages } from '../../src/replication/sync-messages.ts';
import { searchMessages } from '../../src/search/search-messages.ts';
import { keyMessages } from '../../src/transfer/seals.ts';
import type { Message } from '../../src/wire/message.ts';

export const wireFormatPagePath = 'docs/wire-format.md';

/** A row begins with its name; the cells after it with these forms. */
export interface FormatRow {
  readonly name: string;
  readonly forms: readonly (string | undefined)[];
}

/** Folders with messages add their tables here. */
const tables: readonly Readonly<Record<string, Message<never, never>>>[] = [
  membersMessages,
  movedMessages,
  blockMessages,
  claimMessages,
  syncMessages,
  recordMessages,
  shareMessages,
  searchMessages,
  browseMessages,
  clockMessages,
  doorMessages,
  reportMessages,
  reachMessages,
  codeMessages,
  linkMessages,
  keyMessages,
] as never;

export function formatRows(): readonly FormatRow[] {
  const ring = ringMessages({ bits: 256, successors: 16, rule: 'key' });
  return [
    { name: '`POST /hello`', forms: [helloAsk.text, helloAnswer.text] },
    { name: '`POST /back`', forms: [backAsk.text] },
    ...Object.entries(ring).map(([kind, { ask, answer }]) => ({ name: `\`${kind}\``, forms: [ask.text, answer.text] })),
    ...tables
      .flatMap((table) => Object.values(table))
      .map(({ kind, question, answer }) => ({ name: `\`${kind}\``, forms: [question.text, answer.text] })),
    ...Object.entries({
      call: call.text,
      refusal: refusal.text,
      invite: invite.text,
      certificate: certificate.layout,
      ticket: ticket.layout,
      stamp: stampParts.text,
      admission: admissionParts.text,
      link: linkPaper.layout,
      change: changeOfMember.text,
      recovery: recovery.text,
      grant: changeOfGrant.text,
      'take-back': takeBack.text,
      vote: vote.layout,
    }).map(([name, form]) => ({ name, forms: [form] })),
  ];
}

/** Missing and different rows of the page; each cell starts with the form, optionally followed by text. */
export function wireFormatFaults(page: string, rows: readonly FormatRow[]): readonly string[] {
  return rows.flatMap(({ name, forms }) => {
    const cells = page
      .split('\n')
      .find((line) => line.startsWith(`| ${name} `))
      ?.split(' | ');
    if (cells === undefined) return [`${name}: no row`];
    return forms.flatMap((form, index) =>
      cells[index + 1]?.trimStart().startsWith(`\`${form}\``) ? [] : [`${name}: not \`${form}\``],
    );
  });
}
