/** The tables of ClaimTable, made with those of the catalogue. */
export const claimSchema = `
  CREATE TABLE IF NOT EXISTS puts (
    put INTEGER PRIMARY KEY, publisher TEXT NOT NULL, name TEXT NOT NULL, sequence INTEGER NOT NULL,
    replicas INTEGER NOT NULL, added INTEGER NOT NULL, heard INTEGER NOT NULL, checked INTEGER NOT NULL, confirmed INTEGER, expiry INTEGER,
    UNIQUE (publisher, name, sequence)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS puts_unconfirmed ON puts (checked) WHERE confirmed IS NULL;
  CREATE INDEX IF NOT EXISTS puts_by_expiry ON puts (expiry) WHERE expiry IS NOT NULL;
  CREATE TABLE IF NOT EXISTS claims (
    block BLOB NOT NULL, put INTEGER NOT NULL, PRIMARY KEY (block, put)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS claims_by_put ON claims (put, block);
`;
