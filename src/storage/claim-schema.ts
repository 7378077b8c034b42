/**
 * Tables of ClaimTable. `owner` is the host charged for a put: its publisher, or the host that passed it on until the
 * put is known to be committed. `charged` are the bytes of a block charged to its owner, once per owner. `claimed`
 * holds for each block the sum of its claims, with `lanes` as in fingerprint.ts.
 */
export const claimSchema = `
  CREATE TABLE IF NOT EXISTS puts (
    put INTEGER PRIMARY KEY, publisher TEXT NOT NULL, name TEXT NOT NULL, sequence INTEGER NOT NULL,
    replicas INTEGER NOT NULL, added INTEGER NOT NULL, heard INTEGER NOT NULL, checked INTEGER NOT NULL,
    confirmed INTEGER, expiry INTEGER, owner TEXT NOT NULL, charged INTEGER NOT NULL DEFAULT 0,
    UNIQUE (publisher, name, sequence)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS puts_unconfirmed ON puts (owner, checked) WHERE confirmed IS NULL;
  CREATE INDEX IF NOT EXISTS puts_by_expiry ON puts (expiry) WHERE expiry IS NOT NULL;
  CREATE TABLE IF NOT EXISTS claims (
    block BLOB NOT NULL, put INTEGER NOT NULL, charged INTEGER NOT NULL, PRIMARY KEY (block, put)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS claims_by_put ON claims (put, block);
  CREATE TABLE IF NOT EXISTS claimed (
    block BLOB PRIMARY KEY, claims INTEGER NOT NULL, wanted INTEGER NOT NULL, lanes BLOB NOT NULL
  ) WITHOUT ROWID, STRICT;
`;
