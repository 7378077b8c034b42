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
  'packages/ring/src/host/lookup.ts': {
    '#seeds: Contact[] = [];': 'equivalent: it begins with those given',
    'a.id === b.id ? 0 : a.id === key || (b.id !== key && between(key, a.id, b.id)) ? -1 : 1,':
      'equivalent: no identifier is listed twice',
    'if (this.#finished) return;': 'what comes late is told to none: a lookup ends once, and asks no more',
    'hedge.cancel();': 'a timer that fires late finds that another may be asked already',
    'this.#hedges.delete(hedge);': 'a timer that has fired is cancelled once more',
    'this.#hedges.add(hedge);': 'a timer that fires late finds the lookup finished',
    'for (const hedge of this.#hedges) hedge.cancel();': 'a timer that fires late finds the lookup finished',
    'this.#budget.cancel();': 'a timer that fires late finds the lookup finished',
    'if (!list.some((p) => p.id === pointer.id)) list.push(pointer);': 'a host that is listed twice is asked once',
  },
  'src/storage/storage-shares.ts': {
    'if (oldest !== undefined && this.#given.size >= maxGiversKnown) this.#given.delete(oldest);':
      'equivalent: with so many known there is an oldest',
    'return owner !== self && shareOf(owner) === null && bytes > this.#roomGiving(owner, 0);':
      'equivalent: this host has room without bounds',
  },
};
