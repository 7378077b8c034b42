/** Table of SmallBlocks: `blocks.small` is the id here, null for a block whose bytes are a file. */
export const smallBlockSchema = `
  CREATE TABLE IF NOT EXISTS small_blocks (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
`;
