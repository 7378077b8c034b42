/** The table behind publisher-counts.ts, apart from it so that the catalogue can make it. */

/** Made with the tables; a catalogue from before is counted once. */
export const publisherSchema = `
  CREATE TABLE IF NOT EXISTS publishers (publisher TEXT PRIMARY KEY, records INTEGER NOT NULL) WITHOUT ROWID, STRICT;
  DELETE FROM publishers;
  INSERT INTO publishers SELECT publisher, count(*) FROM records GROUP BY publisher;
  CREATE TRIGGER IF NOT EXISTS record_came AFTER INSERT ON records BEGIN
    INSERT INTO publishers VALUES (NEW.publisher, 1) ON CONFLICT DO UPDATE SET records = records + 1;
  END;
  CREATE TRIGGER IF NOT EXISTS record_went AFTER DELETE ON records BEGIN
    UPDATE publishers SET records = records - 1 WHERE publisher = OLD.publisher;
    DELETE FROM publishers WHERE publisher = OLD.publisher AND records = 0;
  END;
`;
