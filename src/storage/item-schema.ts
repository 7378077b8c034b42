/**
 * Tables of the item index (item-index.ts). `copies` identifies the set: 0 for records, else the replicas wanted of its
 * blocks. `lane0` to `lane7` are sums modulo 2^32 over the items of a bucket. `cached` lists items held as cache.
 */
export const itemSchema = `
  CREATE TABLE IF NOT EXISTS items (
    copies INTEGER NOT NULL, key BLOB NOT NULL, digest BLOB NOT NULL, cid BLOB, record INTEGER,
    PRIMARY KEY (copies, key)
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS buckets (
    copies INTEGER NOT NULL, bucket INTEGER NOT NULL, count INTEGER NOT NULL,
    lane0 INTEGER NOT NULL, lane1 INTEGER NOT NULL, lane2 INTEGER NOT NULL, lane3 INTEGER NOT NULL,
    lane4 INTEGER NOT NULL, lane5 INTEGER NOT NULL, lane6 INTEGER NOT NULL, lane7 INTEGER NOT NULL,
    PRIMARY KEY (copies, bucket)
  ) WITHOUT ROWID, STRICT;
  CREATE TABLE IF NOT EXISTS cached (
    copies INTEGER NOT NULL, key BLOB NOT NULL, bytes INTEGER NOT NULL, since INTEGER NOT NULL,
    PRIMARY KEY (copies, key)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS cached_by_age ON cached (since, copies, key);
`;
