/** The verbs of the shell, their aliases, and the `chordial` command of each. */

export interface Verb {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly usage: string;
  readonly about: string;
  /** What the menu asks for, in order. */
  readonly asks: readonly Question[];
  /** Arguments of the command, from those typed. Null: the shell does it itself. */
  readonly command: ((typed: readonly string[]) => readonly string[]) | null;
}

export interface Question {
  readonly text: string;
  readonly placeholder: string;
  readonly isOptional?: boolean;
}

const asTyped =
  (...words: readonly string[]) =>
  (typed: readonly string[]) => [...words, ...typed];

export const verbs: readonly Verb[] = [
  {
    name: 'join',
    aliases: [],
    usage: 'join HOST:PORT',
    about: 'enter a network; in a teaching ring "join NEW-ID KNOWN-ID [PING-SECONDS]" adds a peer',
    asks: [{ text: 'Address of any peer of the network', placeholder: '192.0.2.7:4848' }],
    command: null,
  },
  {
    name: 'leave',
    aliases: [],
    usage: 'leave [--force]',
    about: 'leave for good, handing everything over; in a teaching ring "leave ID" is for a peer added here',
    asks: [],
    command: null,
  },
  {
    name: 'put',
    aliases: ['store', 'upload'],
    usage: 'put FILE…',
    about: 'put a file or folder into the network; in a teaching ring a number is stored as a file of that name',
    asks: [{ text: 'File or folder', placeholder: './holiday.mp4' }],
    command: null,
  },
  {
    name: 'get',
    aliases: ['request', 'download'],
    usage: 'get NAME|CID [-o PATH]',
    about: 'fetch a file',
    asks: [{ text: 'Name or CID', placeholder: 'holiday.mp4' }],
    command: asTyped('get'),
  },
  {
    name: 'search',
    aliases: ['find'],
    usage: 'search [--broadcast] WORDS…',
    about: 'find files in the whole network',
    asks: [{ text: 'Words (nothing lists everything)', placeholder: 'annual report type:pdf', isOptional: true }],
    command: (typed) => {
      const isOption = (word: string): boolean => word === '--broadcast' || word === '--json';
      return ['search', ...typed.filter(isOption), '--', typed.filter((word) => !isOption(word)).join(' ')];
    },
  },
  {
    name: 'share',
    aliases: [],
    usage: 'share FOLDER',
    about: 'share a folder, which stays where it is',
    asks: [{ text: 'Folder', placeholder: './music' }],
    command: asTyped('share'),
  },
  {
    name: 'unshare',
    aliases: [],
    usage: 'unshare FOLDER',
    about: 'end a share',
    asks: [{ text: 'Folder', placeholder: './music' }],
    command: asTyped('unshare'),
  },
  {
    name: 'shares',
    aliases: [],
    usage: 'shares',
    about: 'folders shared from here',
    asks: [],
    command: asTyped('shares'),
  },
  {
    name: 'files',
    aliases: ['ls', 'my files'],
    usage: 'files [--all]',
    about: 'my files',
    asks: [],
    command: asTyped('ls'),
  },
  {
    name: 'rm',
    aliases: ['remove', 'delete'],
    usage: 'rm NAME',
    about: 'remove one of my files from the network',
    asks: [{ text: 'Name', placeholder: 'holiday.mp4' }],
    command: asTyped('rm'),
  },
  {
    name: 'stat',
    aliases: [],
    usage: 'stat NAME|CID',
    about: 'size, copies and holders of a file',
    asks: [{ text: 'Name or CID', placeholder: 'holiday.mp4' }],
    command: asTyped('stat'),
  },
  {
    name: 'link',
    aliases: [],
    usage: 'link NAME|CID [--expires 7d] [--qr]',
    about: 'make a link for somebody who is no member',
    asks: [{ text: 'Name or CID', placeholder: 'holiday.mp4' }],
    command: asTyped('link'),
  },
  {
    name: 'links',
    aliases: [],
    usage: 'links',
    about: 'my links, and what was fetched',
    asks: [],
    command: asTyped('links'),
  },
  {
    name: 'unlink',
    aliases: [],
    usage: 'unlink ID|URL',
    about: 'take a link back',
    asks: [{ text: 'Id or URL', placeholder: 'r2vj4cqmkz6bfwsx' }],
    command: asTyped('unlink'),
  },
  {
    name: 'peers',
    aliases: [],
    usage: 'peers',
    about: 'who is there, last heartbeat',
    asks: [],
    command: asTyped('peers'),
  },
  {
    name: 'ring',
    aliases: [],
    usage: 'ring',
    about: 'place of this peer, neighbours and fingers',
    asks: [],
    command: asTyped('ring'),
  },
  { name: 'fingers', aliases: ['finger table'], usage: 'fingers', about: 'finger table', asks: [], command: null },
  {
    name: 'neighbours',
    aliases: ['predecessor', 'successor', 'neighbors'],
    usage: 'neighbours',
    about: 'predecessor and successors',
    asks: [],
    command: null,
  },
  {
    name: 'limit',
    aliases: [],
    usage: 'limit [RATE|TIMETABLE|off|stop]',
    about: 'show or set the limit on what this peer moves',
    asks: [{ text: 'Rate or timetable (nothing shows what holds)', placeholder: '2M', isOptional: true }],
    command: (typed) => ['limit', ...(typed.length === 0 || typed.includes('--for') ? typed : [typed.join(' ')])],
  },
  {
    name: 'lookup',
    aliases: [],
    usage: 'lookup NAME|CID|key:HEX',
    about: 'who owns a key',
    asks: [{ text: 'Name, CID or key:HEX', placeholder: 'holiday.mp4' }],
    command: asTyped('lookup'),
  },
  {
    name: 'kill',
    aliases: [],
    usage: 'kill ID',
    about: 'kill a peer of a teaching ring that was added here, like a power failure',
    asks: [{ text: 'Id of the peer', placeholder: '25' }],
    command: null,
  },
  { name: 'help', aliases: ['?', 'menu'], usage: 'help', about: 'list the commands', asks: [], command: null },
  {
    name: 'quit',
    aliases: ['exit', 'q'],
    usage: 'quit',
    about: 'end the shell, and the peer if it was started here',
    asks: [],
    command: null,
  },
];

/** The verb at the beginning of the words, in any case, and the remaining words; null for none. */
export function verbOf(words: readonly string[]): { readonly verb: Verb; readonly rest: readonly string[] } | null {
  const lower = words.map((word) => word.toLowerCase());
  for (const verb of verbs) {
    for (const name of [verb.name, ...verb.aliases]) {
      const parts = name.split(' ');
      if (parts.every((part, place) => lower[place] === part)) return { verb, rest: words.slice(parts.length) };
    }
  }
  return null;
}

/** Verbs with this prefix, for completion. */
export function verbsBeginning(text: string): readonly string[] {
  const names = verbs.flatMap(({ name, aliases }) => [name, ...aliases]);
  return names.filter((name) => name.startsWith(text.toLowerCase()) && !name.includes('?'));
}
