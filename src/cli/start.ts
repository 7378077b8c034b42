/** `chordial start`: runs a peer in the foreground until Ctrl-C. */
import { type Command, Option } from 'commander';
import { type ConfigurationText, defaultApi, defaultListen, parseConfiguration } from '../node/configuration.ts';
import { startPeer } from '../node/start-peer.ts';
import { type CommonOptions, command } from './command.ts';
import { runPeer } from './run-peer.ts';

type StartOptions = CommonOptions & ConfigurationText;

const example = 'chordial start --listen 0.0.0.0:4848 --join 192.0.2.7:4848 --quota 50G';

export function startCommand(): Command {
  const start = command(
    'start',
    'runs a peer in the foreground; Ctrl-C stops it, it comes back with its data',
    example,
  );
  const add = (flags: string, description: string, variable: string) =>
    start.addOption(new Option(flags, description).env(`CHORDIAL_${variable}`));
  add(
    '--listen <host:port>',
    `where other peers reach it (default ${defaultListen}; port 0 takes any free one)`,
    'LISTEN',
  );
  add('--api <host:port>', `where the API and the page are (default ${defaultApi})`, 'API');
  add('--data <dir>', 'data folder (default: chordial in the XDG data folder)', 'DATA');
  add('--advertise <host:port>', 'address that others are told to use', 'ADVERTISE');
  start.addOption(
    new Option('--join <host:port>', 'a peer of the network to join; may be repeated')
      .env('CHORDIAL_JOIN')
      .argParser(collect),
  );
  add('--quota <size>', 'most that it stores, such as 50G; 0 stores nothing', 'QUOTA');
  add('--scrub <size>', 'bytes re-read per second to find what the disk spoilt (default 8M; 0: none)', 'SCRUB');
  add('--save <dir>', 'folder for what get fetches without -o', 'SAVE');
  add('--secret <file>', 'file with the secret of the network', 'SECRET');
  add('--zone <name>', 'copies prefer different zones', 'ZONE');
  add('--ping <ms>', 'milliseconds between heartbeats (default 500)', 'PING');
  add('--virtual-nodes <v>', 'places on the ring, more than successors and up to 64 (default 20)', 'VIRTUAL_NODES');
  add('--replicas <n>', 'copies of a block, 1 to 8 (founding; default 3)', 'REPLICAS');
  add('--write-quorum <n>', 'copies that acknowledge a put (founding; default 2)', 'WRITE_QUORUM');
  add('--successors <s>', 'length of the successor list, 1 to 64 (founding; default 16)', 'SUCCESSORS');
  add('--bits <m>', 'width of ids, 3 to 256 (founding; default 256)', 'BITS');
  add('--id <n>', 'chosen place in a teaching ring, decimal', 'ID');
  start.option('--open', 'found a network that other machines join without a secret');
  return start.action(async (options: StartOptions) => {
    process.exitCode = await runPeer(parseConfiguration(options), startPeer, { json: options.json === true });
  });
}

/** From the environment several are separated by commas or spaces. */
function collect(value: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...value.split(/[\s,]+/).filter((one) => one !== '')];
}
