/**
 * Tables of SharedFileTable. `parent` is the folder of a file below its share, '' or ending in '/'; `stamp` is the
 * file's status as seen without reading it; `stale`: announced with less than is known. A block is at `place` MiB of
 * its file, or its bytes are stored here (a node, place −1).
 */
export const sharedFileSchema = `
  CREATE TABLE IF NOT EXISTS shared_folders (
    folder INTEGER PRIMARY KEY, path TEXT NOT NULL, is_file INTEGER NOT NULL, others INTEGER NOT NULL, identity TEXT NOT NULL,
    ending INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE IF NOT EXISTS shared_files (
    file INTEGER PRIMARY KEY, folder INTEGER NOT NULL, parent TEXT NOT NULL, base TEXT NOT NULL, name TEXT NOT NULL,
    size INTEGER NOT NULL, stamp TEXT NOT NULL, root BLOB NOT NULL, sha256 TEXT, added INTEGER NOT NULL,
    batch INTEGER, earlier INTEGER, stale INTEGER NOT NULL DEFAULT 0, gone INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS shared_folders_by_path ON shared_folders (path) WHERE ending = 0;
  CREATE UNIQUE INDEX IF NOT EXISTS shared_files_by_path ON shared_files (folder, parent, base) WHERE gone = 0;
  CREATE INDEX IF NOT EXISTS shared_files_by_root ON shared_files (root);
  CREATE INDEX IF NOT EXISTS shared_files_by_name ON shared_files (name);
  CREATE INDEX IF NOT EXISTS shared_files_by_batch ON shared_files (batch);
  CREATE INDEX IF NOT EXISTS shared_files_unannounced ON shared_files (folder) WHERE batch IS NULL AND gone = 0;
  CREATE INDEX IF NOT EXISTS shared_files_unhashed ON shared_files (file) WHERE sha256 IS NULL;
  CREATE INDEX IF NOT EXISTS shared_files_stale ON shared_files (file) WHERE stale = 1;
  CREATE INDEX IF NOT EXISTS shared_files_moved ON shared_files (file) WHERE earlier IS NOT NULL;
  CREATE INDEX IF NOT EXISTS shared_files_gone ON shared_files (file) WHERE gone = 1;
  CREATE TABLE IF NOT EXISTS shared_blocks (
    digest BLOB NOT NULL, file INTEGER NOT NULL, place INTEGER NOT NULL, bytes BLOB,
    PRIMARY KEY (digest, file)
  ) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS shared_blocks_by_file ON shared_blocks (file);
`;
