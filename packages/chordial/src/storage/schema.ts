/** Tables of the catalogue, beside those of catalog.ts itself. */

/** Table of SmallBlocks: `blocks.small` is the id here, null for a block whose bytes are a file. */
export const smallBlockSchema = `
  CREATE TABLE IF NOT EXISTS small_blocks (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
`;

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

/** The table of PinTable, made with those of the catalogue. */
export const pinSchema = `
  CREATE TABLE IF NOT EXISTS pins (name TEXT PRIMARY KEY, publisher TEXT NOT NULL, pinned INTEGER NOT NULL) WITHOUT ROWID, STRICT;
`;

/** The table of CodeTable; `bytes` is a code with what was counted. */
export const codeSchema = `
  CREATE TABLE IF NOT EXISTS kept_codes (
    publisher TEXT NOT NULL, number INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (publisher, number)
  ) WITHOUT ROWID, STRICT;
`;

/** The table of PointerTable. A pointer is removed when the block itself arrives. */
export const pointerSchema = `
  CREATE TABLE IF NOT EXISTS pointers (key BLOB PRIMARY KEY, holder TEXT NOT NULL, told INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  CREATE INDEX IF NOT EXISTS pointers_by_age ON pointers (told);
  CREATE TRIGGER IF NOT EXISTS pointer_ends AFTER INSERT ON blocks BEGIN DELETE FROM pointers WHERE key = NEW.key; END;
`;

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

/** Overhead of rows in bytes, indices included; measured and rounded up. */
export const rowBytes = { record: 300, claim: 120, put: 400, leaf: 250, batch: 250 } as const;

/** Bytes accounted for a record. */
export function bytesOfRecord({
  bytes,
  subject,
}: {
  readonly bytes: Uint8Array;
  readonly subject: Uint8Array;
}): number {
  return bytes.length + 2 * subject.length + rowBytes.record;
}

/** Bytes accounted for a leaf. */
export function bytesOfLeaf({ bytes, path }: { readonly bytes: Uint8Array; readonly path: Uint8Array }): number {
  return bytes.length + path.length + rowBytes.leaf;
}

/** Bytes accounted for a put; the length of its name is SQLite's. */
export function bytesOfPut(nameLength: number): number {
  return 2 * nameLength + rowBytes.put;
}

const both = (publisher: string): string => `WHERE publisher IN (${publisher}, '')`;
const recordBytes = (row: string): string => `length(${row}.bytes) + 2 * length(${row}.subject) + ${rowBytes.record}`;
const putBytes = (row: string): string => `2 * length(${row}.name) + ${rowBytes.put}`;
const batchBytes = (row: string): string => `length(${row}.header) + ${rowBytes.batch}`;
const leafBytes = (row: string): string => `length(${row}.bytes) + length(${row}.path) + ${rowBytes.leaf}`;
const batchOf = (row: string): string => `(SELECT publisher FROM share_batches WHERE batch = ${row}.batch)`;
const ownerOf = (row: string): string => `(SELECT owner FROM puts WHERE put = ${row}.put)`;
const present = (publisher: string): string =>
  `INSERT INTO publishers (publisher) VALUES (${publisher}) ON CONFLICT DO NOTHING;`;
/** Bytes accounted for an uncommitted put. */
const open = (row: string, bytes: string): string => `iif(${row}.confirmed IS NULL, ${bytes}, 0)`;

/** Created after the tables that it watches. */
export const publisherSchema = `
  CREATE TABLE IF NOT EXISTS publishers (
    publisher TEXT PRIMARY KEY, records INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0,
    blocks INTEGER NOT NULL DEFAULT 0, uncommitted INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID, STRICT;
  ${present("''")}
  CREATE TRIGGER IF NOT EXISTS record_changed AFTER UPDATE OF bytes ON records BEGIN
    UPDATE publishers SET rows = rows + length(NEW.bytes) - length(OLD.bytes) ${both('NEW.publisher')};
  END;
  CREATE TRIGGER IF NOT EXISTS record_went AFTER DELETE ON records BEGIN
    UPDATE publishers SET records = records - 1, rows = rows - (${recordBytes('OLD')}) ${both('OLD.publisher')};
    DELETE FROM publishers WHERE publisher = OLD.publisher AND records = 0 AND rows = 0 AND blocks = 0;
  END;
  CREATE TRIGGER IF NOT EXISTS put_went AFTER DELETE ON puts BEGIN
    UPDATE publishers SET rows = rows - (${putBytes('OLD')}) ${both('OLD.owner')};
    DELETE FROM publishers WHERE publisher = OLD.owner AND records = 0 AND rows = 0 AND blocks = 0;
  END;
  CREATE TRIGGER IF NOT EXISTS put_changed AFTER UPDATE OF charged, confirmed ON puts BEGIN
    UPDATE publishers SET blocks = blocks + NEW.charged - OLD.charged,
      uncommitted = uncommitted + ${open('NEW', 'NEW.charged')} - ${open('OLD', 'OLD.charged')} ${both('NEW.owner')};
  END;
  CREATE TRIGGER IF NOT EXISTS put_handed_on AFTER UPDATE OF owner ON puts WHEN NEW.owner <> OLD.owner BEGIN
    ${present('NEW.owner')}
    UPDATE publishers SET rows = rows - (${putBytes('OLD')}) - ${rowBytes.claim} * (SELECT count(*) FROM claims WHERE put = OLD.put),
      blocks = blocks - OLD.charged, uncommitted = uncommitted - ${open('OLD', 'OLD.charged')} WHERE publisher = OLD.owner;
    UPDATE publishers SET rows = rows + ${putBytes('NEW')} + ${rowBytes.claim} * (SELECT count(*) FROM claims WHERE put = NEW.put),
      blocks = blocks + NEW.charged, uncommitted = uncommitted + ${open('NEW', 'NEW.charged')} WHERE publisher = NEW.owner;
  END;
  CREATE TRIGGER IF NOT EXISTS claim_charged AFTER UPDATE OF charged ON claims BEGIN
    UPDATE puts SET charged = charged + NEW.charged - OLD.charged WHERE put = NEW.put;
  END;
  CREATE TRIGGER IF NOT EXISTS claim_went AFTER DELETE ON claims BEGIN
    UPDATE puts SET charged = charged - OLD.charged WHERE put = OLD.put AND OLD.charged > 0;
    UPDATE publishers SET rows = rows - ${rowBytes.claim} ${both(ownerOf('OLD'))};
    UPDATE claims SET charged = OLD.charged WHERE OLD.charged > 0 AND block = OLD.block AND put = (
      SELECT other.put FROM claims JOIN puts AS other USING (put)
      WHERE block = OLD.block AND owner = ${ownerOf('OLD')} LIMIT 1);
  END;
  CREATE TRIGGER IF NOT EXISTS batch_came AFTER INSERT ON share_batches BEGIN
    ${present('NEW.publisher')}
    UPDATE publishers SET rows = rows + ${batchBytes('NEW')} ${both('NEW.publisher')};
  END;
  CREATE TRIGGER IF NOT EXISTS batch_changed AFTER UPDATE OF header ON share_batches BEGIN
    UPDATE publishers SET rows = rows + length(NEW.header) - length(OLD.header) ${both('NEW.publisher')};
  END;
  CREATE TRIGGER IF NOT EXISTS batch_went BEFORE DELETE ON share_batches BEGIN
    UPDATE publishers SET rows = rows - (${batchBytes('OLD')}) ${both('OLD.publisher')};
  END;
  CREATE TRIGGER IF NOT EXISTS leaf_went BEFORE DELETE ON share_leaves BEGIN
    UPDATE publishers SET rows = rows - (${leafBytes('OLD')}) ${both(batchOf('OLD'))};
  END;
`;

/**
 * Tables of FolderTable. `parent` is 0 for an own folder itself, and negative for what is in none; `part` names the put that
 * keeps the blocks.
 */
export const folderSchema = `
  CREATE TABLE folder_nodes (
    node INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER NOT NULL, base TEXT NOT NULL, is_folder INTEGER NOT NULL,
    cid BLOB, size INTEGER NOT NULL, stored INTEGER NOT NULL, modified INTEGER, executable INTEGER NOT NULL,
    part INTEGER, changes INTEGER NOT NULL, properties TEXT
  ) STRICT;
  CREATE UNIQUE INDEX folder_nodes_by_place ON folder_nodes (parent, base) WHERE parent >= 0;
  CREATE INDEX folder_nodes_folders ON folder_nodes (parent) WHERE is_folder = 1;
  CREATE INDEX folder_nodes_removed ON folder_nodes (parent) WHERE parent < 0;
  CREATE INDEX folder_nodes_by_part ON folder_nodes (part) WHERE part IS NOT NULL;
  CREATE TABLE folder_parts (
    part INTEGER PRIMARY KEY, state TEXT NOT NULL, bytes INTEGER NOT NULL, added INTEGER NOT NULL, removed INTEGER
  ) STRICT;
  CREATE INDEX folder_parts_by_state ON folder_parts (state, removed);
  CREATE TABLE folder_versions (
    folder TEXT NOT NULL, time INTEGER NOT NULL, began INTEGER NOT NULL, cid BLOB NOT NULL, size INTEGER NOT NULL,
    attributes BLOB, PRIMARY KEY (folder, time)
  ) WITHOUT ROWID, STRICT;
`;
