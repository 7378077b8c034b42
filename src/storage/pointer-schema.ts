/** The table of PointerTable. A pointer is removed when the block itself arrives. */
export const pointerSchema = `
  CREATE TABLE IF NOT EXISTS pointers (key BLOB PRIMARY KEY, holder TEXT NOT NULL, told INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS pointers_by_age ON pointers (told);
  CREATE TRIGGER IF NOT EXISTS pointer_ends AFTER INSERT ON blocks BEGIN DELETE FROM pointers WHERE key = NEW.key; END;
`;
