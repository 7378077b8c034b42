/** The table of PinTable, made with those of the catalogue. */
export const pinSchema = `
  CREATE TABLE IF NOT EXISTS pins (name TEXT PRIMARY KEY, publisher TEXT NOT NULL, pinned INTEGER NOT NULL) WITHOUT ROWID, STRICT;
`;
