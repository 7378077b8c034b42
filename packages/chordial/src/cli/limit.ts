/** `chordial limit`: shows and sets how fast this peer moves what people put and get, and what others want from it. */
import type { Command } from 'commander';
import type { LimitsStatus } from '../client/answers.ts';
import { ChordialError } from '../errors.ts';
import { shownTime, Timetable } from '../flow/timetable.ts';
import { shownLimit } from '../peer/findings.ts';
import { parseDuration } from '../peer/quantities.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { fields } from './table.ts';

const maxForMilliseconds = 366 * 86_400_000;

interface Options extends CommonOptions, PeerOptions {
  readonly for?: string;
  readonly reset?: boolean;
}

export function limitCommand(): Command {
  return peerCommand(
    'limit',
    'shows or sets the limit on what this peer moves',
    'chordial limit\n  chordial limit 2M --for 1h\n  chordial limit "08:00,512k:2M Mon-18:00,10M 23:00,off"',
  )
    .argument('[rate|timetable]', 'bytes a second, up:down, off, stop, or a timetable of them')
    .option('--for <time>', 'for so long, for example 1h')
    .option('--reset', 'back to the limit of the settings')
    .addHelpText(
      'before',
      'Each moment of a timetable holds until the next, and the week wraps; K is 1024. "stop" lets puts and gets wait, while files with too few copies are repaired. Peers on the LAN are not limited without limit-lan. A limit that is set without --for is kept over restarts.\n',
    )
    .action(async (wanted: string | undefined, options: Options) => {
      const body = wishOf(wanted, options);
      const { client } = await findPeer(options);
      const status =
        body === null ? await client.call('GET /api/v1/limits') : await client.call('PUT /api/v1/limits', { body });
      if (options.json) sayJson(status);
      else say(fields(lines(status)));
    });
}

/** Null: only shown. */
function wishOf(wanted: string | undefined, options: Options): { limit: string | null; milliseconds?: number } | null {
  if (options.reset === true) {
    if (wanted === undefined && options.for === undefined) return { limit: null };
    throw new ChordialError('bad-usage', '--reset goes back to the limit of the settings. Give nothing beside it.');
  }
  if (wanted === undefined) {
    if (options.for === undefined) return null;
    throw new ChordialError(
      'bad-usage',
      '--for needs a limit to hold so long, for example: chordial limit 2M --for 1h',
    );
  }
  const { text: limit } = Timetable.parse(wanted, 'The limit');
  if (options.for === undefined) return { limit };
  const milliseconds = parseDuration(options.for, '--for');
  if (milliseconds <= maxForMilliseconds) return { limit, milliseconds };
  throw new ChordialError(
    'bad-usage',
    `--for ${JSON.stringify(options.for)} is too long. Give at most 366d, or leave it out.`,
  );
}

const sources: Readonly<Record<LimitsStatus['source'], string>> = {
  settings: 'of the settings',
  command: 'set by a command, and kept',
  'for-a-while': 'set by a command',
};

function lines(status: LimitsStatus): readonly (readonly [string, string])[] {
  const { until, next, timetable, source, forAWhileUntil, configured, limitsLan } = status;
  const end = forAWhileUntil === null ? '' : ` until ${shownTime(forAWhileUntil)}`;
  return [
    ['now', shownLimit(status)],
    ['until', until === null ? 'it is changed' : `${shownTime(until)}, then ${next}`],
    ['timetable', timetable],
    ['from', `${sources[source]}${end}`],
    ...(source === 'settings' ? [] : [['settings', configured] as const]),
    ['LAN', limitsLan ? 'limited too' : 'not limited'],
  ];
}
