/** Why a change that survives does no harm, by file and by the text of its line. */
export const reasons: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'src/records/merge.ts': {
    'if (a.entry.sequence !== b.entry.sequence) return a.entry.sequence > b.entry.sequence ? a : b;':
      'equivalent: the sequences differ there',
  },
};
