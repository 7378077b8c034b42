/**
 * Usage per publisher: blocks claimed by its puts, and rows of the catalogue (records, claims, puts, entries of
 * shares). Updated in the transaction of every change: by triggers, except for what arrives in large numbers, records,
 * puts, claims and leaves (PublisherCounts.came): with a trigger SQLite first saves each page that an insertion changes
 * (measured: more than twice the time). The row '' holds the totals.
 */

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
