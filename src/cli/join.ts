/** `chordial join`: with an invite a peer is started that enters its network; with an address the running peer joins there. */
import type { Command } from 'commander';
import { ChordialError } from '../errors.ts';
import { parseAddress } from '../network/addresses.ts';
import { decodeInvite, type Invite, isInvite } from '../network/invite.ts';
import type { PeerConfiguration } from '../node/configuration.ts';
import { settingFlag, settings } from '../node/settings.ts';
import { type CommonOptions, command } from './command.ts';
import { say, sayJson } from './output.ts';
import { findPeer } from './running-peer.ts';
import { addSettingOptions, type SettingOptions, settingsOf } from './setting-options.ts';

type JoinOptions = CommonOptions & SettingOptions;

export function joinCommand(): Command {
  const join = command(
    'join',
    'starts a peer in the network that invites, or lets the running peer join a ring',
    'chordial join chordial:hQFYIC… --listen 0.0.0.0:4848\n  chordial join 192.0.2.7:4848',
  );
  return addSettingOptions(join)
    .argument('<invite|address>', 'a line of "chordial invite", or HOST:PORT of any peer of the ring')
    .action(async (argument: string, options: JoinOptions) => {
      if (isInvite(argument)) process.exitCode = await startInvited(decodeInvite(argument), options);
      else await joinRunning(argument, options);
    });
}

/** As `start --join`, with the secret kept in the data folder. Returns the exit code. */
async function startInvited(invite: Invite, options: JoinOptions): Promise<number> {
  const expires = new Date(invite.expires * 1000);
  if (expires.getTime() < Date.now()) {
    throw new ChordialError(
      'invite-expired',
      `The invite was good until ${expires.toISOString()}. Ask for a new one, or set this machine's clock if it is wrong.`,
    );
  }
  const { configuration } = await settingsOf(options);
  const invited: PeerConfiguration = {
    ...configuration,
    join: [...new Set([...invite.addresses, ...configuration.join])],
    invite,
  };
  const [{ runPeer }, { startPeer }] = await Promise.all([import('./run-peer.ts'), import('../node/start-peer.ts')]);
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
    `The invite leads to ${addresses.join(', ')}, where nobody answers: ${error.message} Ask whoever sent it whether that peer runs, or for a new invite.`,
    { cause: error },
  );
}

async function joinRunning(address: string, options: JoinOptions): Promise<void> {
  checkAddress(address);
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

/** A peer that runs has its settings. */
function refuseSettings(options: JoinOptions): void {
  const given = settings.find(({ key }) => key !== 'data' && key !== 'api' && options[key] !== undefined);
  const flag = given === undefined ? (options.config === undefined ? null : '--config') : settingFlag(given.key);
  if (flag === null) return;
  throw new ChordialError(
    'bad-usage',
    `${flag} is for a peer that is started, by an invite; with an address the running peer joins. To start one: chordial start --join HOST:PORT ${flag} ….`,
  );
}
