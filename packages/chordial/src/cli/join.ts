/** `chordial join`: with an invite, starts a peer that enters its network; with an address, the running peer joins there. */
import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import { parseAddress } from '../network/addresses.ts';
import { decodeInvite, type Invite, isInvite } from '../network/invite.ts';
import type { PeerConfiguration } from '../peer/configuration.ts';
import { settingFlag, settings } from '../peer/settings.ts';
import { type CommonOptions, command } from './command.ts';
import { note, say, sayJson } from './output.ts';
import { findPeer } from './running-peer.ts';
import { askForLine, lineIn, readAll } from './secret-line.ts';
import { addSettingOptions, type SettingOptions, settingsOf } from './setting-options.ts';

/** `lan` without a value looks for networks nearby. */
type JoinOptions = CommonOptions &
  Omit<SettingOptions, 'lan'> & { readonly invite?: string; readonly lan?: string | true };

export function joinCommand(): Command {
  const join = command(
    'join',
    'starts a peer with an invite, or lets the running peer join a ring',
    'chordial join --listen 0.0.0.0:4848\n  chordial invite | ssh other chordial join -\n  chordial join --lan\n  chordial join 192.0.2.7:4848',
  );
  return addSettingOptions(join, ['lan'])
    .argument(
      '[invite|address]',
      '"-" reads the invite from standard input; without it join prompts; or HOST:PORT of any peer of the ring',
    )
    .option('--invite <file>', 'reads the invite from a file')
    .addHelpText(
      'before',
      'An invite is a key: as an argument every user of the machine can read it, and the shell keeps it in its history.\n--lan alone lists the networks on the local network, asks for an invite, and joins where one of its peers is found.\n',
    )
    .action(async (given: string | undefined, all: JoinOptions) => {
      const { argument, options } = withoutInvite(given, all);
      if (argument !== undefined && argument !== '-' && !isInvite(argument)) return joinRunning(argument, options);
      process.exitCode = await startInvited(argument, options);
    });
}

/** `--lan INVITE` and `--lan -` mean `--lan` and the invite. */
function withoutInvite(argument: string | undefined, options: JoinOptions) {
  const { lan } = options;
  if (argument !== undefined || typeof lan !== 'string' || (lan !== '-' && !isInvite(lan)))
    return { argument, options };
  return { argument: lan, options: { ...options, lan: true as const } };
}

async function inviteLine(argument: string | undefined, { invite: file, json }: JoinOptions): Promise<string> {
  if (argument !== undefined && file !== undefined) {
    throw new ChordialError(
      'bad-usage',
      '--invite names a file with the invite, and an invite is given besides. Give one of them.',
    );
  }
  if (file !== undefined) return lineIn(file);
  if (argument === '-') return readAll(process.stdin);
  if (argument === undefined) return askForLine('Invite (a line of "chordial invite"): ');
  hideArguments();
  if (!json)
    note(
      'every user of this machine could read this invite among the running processes, and the shell may keep it. Give it on standard input ("chordial join -") or let "chordial join" ask for it.',
    );
  return argument;
}

/** What `ps` shows of this process afterwards. */
function hideArguments(): void {
  process.title = 'chordial join';
}

/** Like `start --join`, with the membership documents stored in the data folder. Returns the exit code. */
async function startInvited(argument: string | undefined, options: JoinOptions): Promise<number> {
  const { lan, ...others } = options;
  const { configuration } = await settingsOf(lan === undefined || lan === true ? others : { ...others, lan });
  const nearby = lan === true ? await import('./join-nearby.ts') : null;
  const heard = (await nearby?.lookNearby(configuration)) ?? [];
  const invite = decodeInvite(await inviteLine(argument, options));
  const places = (await nearby?.placesFor(invite, heard)) ?? invite.addresses;
  const invited: PeerConfiguration = {
    ...configuration,
    join: [...new Set([...places, ...configuration.join])],
    invite,
  };
  const [{ runPeer }, { startPeer }] = await Promise.all([import('./run-peer.ts'), import('../peer/start-peer.ts')]);
  try {
    return await runPeer(invited, startPeer, { json: options.json === true });
  } catch (error) {
    throw explain(error, invite);
  }
}

function explain(error: unknown, { addresses }: Invite): unknown {
  if (!(error instanceof ChordialError) || error.code !== 'unreachable') return error;
  return new ChordialError(
    'unreachable',
    `The invite leads to ${addresses.join(', ')}, where no peer answers: ${error.message} Ask its sender whether that peer is running, or for a new invite; on its local network, "chordial join --lan" looks for it.`,
    { cause: error },
  );
}

async function joinRunning(address: string, options: JoinOptions): Promise<void> {
  checkAddress(address);
  if (options.invite !== undefined)
    throw new ChordialError(
      'bad-usage',
      '--invite names a file with an invite, and an address is given besides. Give one of them.',
    );
  refuseSettings(options);
  const { data, api = process.env['CHORDIAL_API'] } = options;
  const folder = data ?? process.env['CHORDIAL_DATA'];
  const { client } = await findPeer({
    ...(folder === undefined ? {} : { data: folder }),
    ...(api === undefined ? {} : { api }),
  });
  const node = await client.call('POST /api/v1/node/join', { body: { address } });
  if (options.json) sayJson(node);
  else say(`joined the network ${node.network} with ${node.hosts} hosts`);
}

function checkAddress(text: string): void {
  try {
    parseAddress(text);
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    const message = `${error.message} An invite is a whole line that begins with chordial:.`;
    throw new ChordialError(error.code, message, { cause: error });
  }
}

/** A running peer already has its settings. */
function refuseSettings(options: JoinOptions): void {
  const given = settings.find(({ key }) => key !== 'data' && key !== 'api' && options[key] !== undefined);
  const flag = given === undefined ? (options.config === undefined ? null : '--config') : settingFlag(given.key);
  if (flag === null) return;
  throw new ChordialError(
    'bad-usage',
    `${flag} is for a peer that is started, by an invite; with an address the running peer joins. To start one: chordial start --join HOST:PORT ${flag} ….`,
  );
}
