/** Why a change that survives does no harm, by file and by the text of its line. */
export const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'src/records/merge.ts': {
    'if (a.entry.sequence !== b.entry.sequence) return a.entry.sequence > b.entry.sequence ? a : b;':
      'equivalent: the sequences differ there',
    'return Buffer.compare(a.bytes, b.bytes) >= 0 ? a : b;': 'equivalent: entries of equal bytes are the same',
    'return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, encoded]) => encoded);':
      'equivalent: no two identities are equal',
  },
  'src/search/match.ts': {
    'if (this.#line.includes(` ${word} `)) return true;': 'slower: all words are compared in any case',
    'if (this.#line.includes(` ${beginning}`)) return true;': 'slower: all words are compared in any case',
    "if (this.#line.includes(` ${words.join(' ')} `)) return true;":
      'slower: the divided words are compared in any case',
    'if (!words.every((word) => this.#line.includes(word))) return false;':
      'slower: a name that lacks a word has not all of them in order either',
  },
  'src/replication/claim-verdict.ts': {
    "if (word.kind === 'entry' && word.sequence > put.sequence) return 'drop';":
      'equivalent: only an entry has a sequence',
    "if (word.kind === 'entry' && word.sequence === put.sequence) return word.current ? 'confirm' : 'drop';":
      'equivalent: only an entry has a sequence',
  },
};
