/** `chordial token` and `chordial tokens`: secrets for programs that use services of the door. */
import { Argument, type Command, Option } from 'commander';
import { ChordialError } from '../errors.ts';
import { shownTime } from '../flow/timetable.ts';
import { parseDuration } from '../peer/quantities.ts';
import { type TokenScope, tokenScopes } from '../peer/tokens.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { table } from './table.ts';

interface Options extends CommonOptions, PeerOptions {
  readonly for?: TokenScope;
  readonly readOnly?: boolean;
  readonly expires?: string;
}

const actions = ['new', 'rm'] as const;
const maxMilliseconds = 3660 * 86_400_000;

export function tokenCommand(): Command {
  return peerCommand(
    'token',
    'makes or removes a token for programs that use a service of the door',
    'chordial token new --for dav --read-only --expires 30d\n  chordial token rm 5f0c9a1b2d',
  )
    .addArgument(new Argument('<action>', 'what to do').choices(actions))
    .argument('[id]', 'of the token that is removed')
    .addOption(new Option('--for <service>', 'what it is for').choices(tokenScopes))
    .option('--read-only', 'it changes nothing')
    .option('--expires <time>', 'for so long, for example 30d; else until it is removed')
    .addHelpText(
      'before',
      'A token is shown once and cannot be asked for again. Programs send it as the password of any user, or as a Bearer token.\n',
    )
    .action(async (action: (typeof actions)[number], id: string | undefined, options: Options) => {
      if (action === 'rm') return remove(id, options);
      if (id !== undefined || options.for === undefined) {
        throw new ChordialError(
          'bad-usage',
          `"token new" needs --for and one of ${tokenScopes.join(', ')}, and no id.`,
        );
      }
      const timeToLive = options.expires === undefined ? null : parseDuration(options.expires, '--expires');
      if (timeToLive !== null && timeToLive > maxMilliseconds) {
        throw new ChordialError(
          'bad-usage',
          '--expires is more than ten years. Leave it out for a token without an end.',
        );
      }
      const { client } = await findPeer(options);
      const body = {
        for: options.for,
        readOnly: options.readOnly === true,
        ...(timeToLive !== null && { timeToLive }),
      };
      const made = await client.call('POST /api/v1/tokens', { body });
      if (options.json) return sayJson(made);
      say(made.token);
      const end = made.expires === null ? 'until it is removed' : `until ${shownTime(made.expires)}`;
      note(
        `for ${made.for}${made.readOnly ? ', only to read' : ''}, ${end}. It is not shown again; remove it with: chordial token rm ${made.id}`,
      );
    });
}

async function remove(id: string | undefined, options: Options): Promise<void> {
  if (id === undefined) throw new ChordialError('bad-usage', '"token rm" needs an id. "chordial tokens" lists them.');
  const { client } = await findPeer(options);
  await client.call('DELETE /api/v1/tokens/{id}', { path: { id } });
  if (options.json) sayJson({ removed: id });
  else say(`removed ${id}: it is refused from now on`);
}

export function tokensCommand(): Command {
  return peerCommand('tokens', 'lists the tokens for services of the door', 'chordial tokens').action(
    async (options: Options) => {
      const { client } = await findPeer(options);
      const answer = await client.call('GET /api/v1/tokens');
      if (options.json) return sayJson(answer);
      if (answer.tokens.length === 0) return note('there are none. Make one with: chordial token new --for dav');
      const columns = ['ID', 'FOR', 'MAY', 'MADE', 'EXPIRES', 'USED'].map((title) => ({ title }));
      const day = (time: string | null, never: string): string => (time === null ? never : shownTime(time));
      say(
        table(
          columns,
          answer.tokens.map((one) => [
            one.id,
            one.for,
            one.readOnly ? 'read' : 'read, write',
            shownTime(one.created),
            day(one.expires, 'never'),
            day(one.used, 'never'),
          ]),
        ),
      );
    },
  );
}
