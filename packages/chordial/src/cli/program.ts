/** `chordial`: finds the command and loads only that one, so that small commands start fast. */
import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { quiet } from './command.ts';
import { report } from './failure.ts';
import { watchOutput } from './output.ts';

const commands: Readonly<Record<string, () => Promise<Command>>> = {
  start: async () => (await import('./start.ts')).startCommand(),
  demo: async () => (await import('./demo.ts')).demoCommand(run),
  put: async () => (await import('./put.ts')).putCommand(),
  get: async () => (await import('./get.ts')).getCommand(),
  export: async () => (await import('./car.ts')).exportCommand(),
  import: async () => (await import('./car.ts')).importCommand(),
  mv: async () => (await import('./mv.ts')).mvCommand(),
  history: async () => (await import('./history.ts')).historyCommand(),
  restore: async () => (await import('./history.ts')).restoreCommand(),
  rm: async () => (await import('./rm.ts')).rmCommand(),
  ls: async () => (await import('./ls.ts')).lsCommand(),
  stat: async () => (await import('./stat.ts')).statCommand(),
  peers: async () => (await import('./peers.ts')).peersCommand(),
  ring: async () => (await import('./ring.ts')).ringCommand(),
  search: async () => (await import('./search.ts')).searchCommand(),
  share: async () => (await import('./share.ts')).shareCommand(),
  unshare: async () => (await import('./share.ts')).unshareCommand(),
  shares: async () => (await import('./share.ts')).sharesCommand(),
  link: async () => (await import('./link.ts')).linkCommand(),
  links: async () => (await import('./link.ts')).linksCommand(),
  unlink: async () => (await import('./link.ts')).unlinkCommand(),
  door: async () => (await import('./door.ts')).doorCommand(),
  drive: async () => (await import('./drive.ts')).driveCommand(),
  send: async () => (await import('./send.ts')).sendCommand(),
  receive: async () => (await import('./receive.ts')).receiveCommand(),
  lookup: async () => (await import('./lookup.ts')).lookupCommand(),
  join: async () => (await import('./join.ts')).joinCommand(),
  invite: async () => (await import('./invite.ts')).inviteCommand(),
  invites: async () => (await import('./invite.ts')).invitesCommand(),
  members: async () => (await import('./members.ts')).membersCommand(),
  remove: async () => (await import('./members.ts')).removeCommand(),
  admin: async () => (await import('./members.ts')).adminCommand(),
  key: async () => (await import('./key.ts')).keyCommand(),
  limit: async () => (await import('./limit.ts')).limitCommand(),
  token: async () => (await import('./token.ts')).tokenCommand(),
  tokens: async () => (await import('./token.ts')).tokensCommand(),
  leave: async () => (await import('./leave.ts')).leaveCommand(),
  shell: async () => (await import('./shell.ts')).shellCommand(run),
  open: async () => (await import('./open.ts')).openCommand(),
  doctor: async () => (await import('./doctor.ts')).doctorCommand(),
  config: async () => (await import('./config.ts')).configCommand(),
  completion: async () => (await import('./completion.ts')).completionCommand(allCommands),
  simulate: async () => (await import('./simulate.ts')).simulateCommand(),
};

export function allCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(commands).map((load) => load()));
}

export async function run(argv: readonly string[]): Promise<number> {
  watchOutput(argv.includes('--json'));
  const program = quiet(new Command('chordial'))
    .description('Peer-to-peer file sharing on a correct Chord ring.')
    .version(packageJson.version)
    .addHelpText('after', '\nExample:\n  chordial start &\n  chordial put photo.jpg');
  // An unknown command needs all of them for suggestions, and so does the help.
  const wanted = commands[argv.find((word) => !word.startsWith('-')) ?? ''];
  const isVersion = argv[0] === '--version' || argv[0] === '-V';
  for (const load of wanted === undefined ? Object.values(isVersion ? {} : commands) : [wanted]) {
    program.addCommand(await load());
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return typeof process.exitCode === 'number' ? process.exitCode : 0;
  } catch (error) {
    return report(error, argv.includes('--json'), (text) => process.stderr.write(text));
  }
}
