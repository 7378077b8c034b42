const positionBits = 20;
/** More than any batch has. */
export const leavesPerBatch = 2 ** positionBits;

/**
 * Tables of ShareTable. A leaf's number encodes its batch and its position in it, so that neither needs an index; `first`
 * and `last` are the first 8 bytes of its first and last record key;
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
    leaf INTEGER PRIMARY KEY, batch INTEGER AS (leaf >> ${positionBits}), position INTEGER AS (leaf & ${leavesPerBatch - 1}),
    first BLOB NOT NULL, last BLOB NOT NULL, bytes BLOB NOT NULL, path BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS share_leaves_by_key ON share_leaves (first, last);
  CREATE TABLE IF NOT EXISTS own_batches (
    number INTEGER PRIMARY KEY, header BLOB NOT NULL, cells BLOB
  ) STRICT;
`;
