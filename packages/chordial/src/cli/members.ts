/** `chordial members`, `chordial remove` and `chordial admin`: the members of the network and its admins. */
import { Argument, type Command } from 'commander';
import type { ChangedMembers, MemberList } from '../client/answers.ts';
import { ChordialError } from '../errors.ts';
import { shortPeer } from '../transfer/of-publisher.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { shareOf } from './invite.ts';
import { note, say, sayJson } from './output.ts';
import { findPeer, type PeerOptions } from './running-peer.ts';
import { askForLine } from './secret-line.ts';
import { table } from './table.ts';

type Options = CommonOptions & PeerOptions;

export function membersCommand(): Command {
  return peerCommand('members', 'lists the members of the network', 'chordial members').action(
    async (options: Options) => {
      const { client } = await findPeer(options);
      const answer = await client.call('GET /api/v1/members');
      if (options.json) return sayJson(answer);
      say(listing(answer.members));
      if (answer.admission === 'members') return;
      const why = answer.admission === 'open' ? 'everybody may join it' : 'it is a teaching ring';
      note(`this network has no admission: ${why}. A removed peer can come back with a new key.`);
    },
  );
}

interface RemoveOptions extends Options {
  readonly purge?: boolean;
  readonly admitted?: boolean;
}

export function removeCommand(): Command {
  return peerCommand(
    'remove',
    'removes a member from the network permanently (admins)',
    'chordial remove anna@laptop\n  chordial remove anna@laptop --purge',
  )
    .argument('<member>', 'its name, or its id or part of it')
    .option('--purge', 'also hides what it published and frees the blocks')
    .option('--admitted', 'together with the members that it admitted')
    .addHelpText(
      'before',
      'Within seconds no peer answers it; its replicas are replaced. It keeps what it had fetched.\n',
    )
    .action(async (member: string, options: RemoveOptions) => {
      const { client } = await findPeer(options);
      const { purge = false, admitted = false } = options;
      const answer = await client.call('DELETE /api/v1/members/{member}', {
        path: { member },
        query: { purge, admitted },
      });
      tell(answer, `removed ${answer.name}`, options);
    });
}

const actions = ['add', 'remove', 'admit', 'grant', 'recover'] as const;

interface AdminOptions extends Options {
  readonly rights?: string;
  readonly share?: string;
}

export function adminCommand(): Command {
  return peerCommand(
    'admin',
    'adds and removes admins, admits a waiting member, changes rights, or replaces lost admins',
    'chordial admin add anna@laptop\n  chordial admin grant anna@laptop --rights publish,invite --share 10%\n  chordial admin recover',
  )
    .addArgument(new Argument('<action>', 'what to do').choices(actions))
    .argument('[member]', 'its name, or its id or part of it; without one "recover" makes this peer the admin')
    .option('--rights <list>', 'with grant: of publish, invite; "" for neither')
    .option('--share <percent>', 'with grant: how much of the storage of each peer it may use, such as 5%, or "usual"')
    .addHelpText(
      'before',
      'Adding and removing take more than half of the admins, each with the same command at its own peer. "recover" asks for the recovery key that was printed when the network was founded.\n',
    )
    .action(async (action: (typeof actions)[number], member: string | undefined, options: AdminOptions) => {
      if (member === undefined && action !== 'recover') {
        throw new ChordialError('bad-usage', `"admin ${action}" needs a member. "chordial members" lists them.`);
      }
      const { client } = await findPeer(options);
      if (action === 'recover') {
        const key = await askForLine('Recovery key: ');
        const body = member === undefined ? { key } : { key, member };
        const answer = await client.call('POST /api/v1/members/recovery', { body });
        return tell(answer, `${answer.name} is the only admin now`, options);
      }
      const path = { member: member! };
      if (action === 'grant') {
        const answer = await client.call('PATCH /api/v1/members/{member}', { path, body: granted(options) });
        return tell(answer, `changed ${answer.name}`, options);
      }
      if (action === 'admit') {
        const answer = await client.call('PUT /api/v1/members/{member}/admission', { path });
        return tell(answer, `admitted ${answer.name}`, options);
      }
      const isAdding = action === 'add';
      const answer = isAdding
        ? await client.call('PUT /api/v1/members/{member}/admin', { path })
        : await client.call('DELETE /api/v1/members/{member}/admin', { path });
      tell(answer, `${answer.name} is ${isAdding ? 'an admin now' : 'no admin any more'}`, options);
    });
}

function granted({ rights, share }: AdminOptions) {
  const wanted = rights?.split(',').map((one) => one.trim());
  const unknown = wanted?.find((one) => !['publish', 'invite', ''].includes(one));
  if (unknown !== undefined || (wanted === undefined && share === undefined)) {
    throw new ChordialError(
      'bad-usage',
      `"admin grant" takes --rights of publish and invite, or --share${unknown === undefined ? '' : `, not ${JSON.stringify(unknown.slice(0, 80))}`}. Whether a member stores for others is set by its invite.`,
    );
  }
  return {
    ...(wanted === undefined ? {} : { publish: wanted.includes('publish'), invite: wanted.includes('invite') }),
    ...(share === undefined ? {} : { share: share === 'usual' ? null : shareOf(share) }),
  };
}

function tell(answer: ChangedMembers, done: string, { json }: Options): void {
  const missing = answer.needed - answer.votes;
  if (json) sayJson(answer);
  else if (answer.done) say(done);
  else {
    say(
      `${answer.votes} of ${answer.needed} admins have approved; ${missing} more must, each with the same command at its own peer`,
    );
  }
}

function listing(members: MemberList['members']): string {
  const columns = ['NAME', 'STATE', 'RIGHTS', 'SINCE', 'SEEN', 'ID'].map((title) => ({ title }));
  return table(
    columns,
    members.map(({ name, state, isAdmin, isSelf, rights, admittedAt, lastSeenAt, id }) => [
      isSelf ? `${name} (this peer)` : name,
      state,
      isAdmin ? 'admin' : rights.join(','),
      admittedAt?.slice(0, 10) ?? '',
      isSelf ? '' : (lastSeenAt?.slice(0, 10) ?? 'never'),
      shortPeer(id),
    ]),
  );
}
