/**
 * Tables of ShareTable. A leaf's `first` and `last` are the first 8 bytes of its first and last record key;
 * `own_batches` are those announced by this host, with the cells that have entries, or null for all.
 */
export const shareSchema = `
  CREATE TABLE IF NOT EXISTS share_batches (
    batch INTEGER PRIMARY KEY, publisher TEXT NOT NULL, number INTEGER NOT NULL, version INTEGER NOT NULL,
    expiry INTEGER NOT NULL, entries INTEGER NOT NULL, ended INTEGER NOT NULL, header BLOB NOT NULL,
    UNIQUE (publisher, number)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS share_batches_by_expiry ON share_batches (expiry);
  CREATE TABLE IF NOT EXISTS share_leaves (
    leaf INTEGER PRIMARY KEY, batch INTEGER NOT NULL, position INTEGER NOT NULL,
    first BLOB NOT NULL, last BLOB NOT NULL, bytes BLOB NOT NULL, path BLOB NOT NULL,
    UNIQUE (batch, position)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS share_leaves_by_key ON share_leaves (first, last);
  CREATE TABLE IF NOT EXISTS own_batches (
    number INTEGER PRIMARY KEY, header BLOB NOT NULL, cells BLOB
  ) STRICT;
`;
