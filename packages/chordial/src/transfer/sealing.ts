/** For whom files are sealed, and what is shown and noted of those that are. */

/** For whom a file is sealed. */
export interface SealWish {
  /** Peers by name, id or part of it, or recipients `age1…`; this peer can open it too. */
  readonly to?: readonly string[];
  /** Who knows it, and no one else. */
  readonly passphrase?: string;
}

/** A sealed file as it is stored, and who can open it. */
export interface SealedPart {
  /** In the network. */
  readonly name: string;
  /** Bytes of the ciphertext. */
  readonly size: number;
  /** Of its recipients: X25519, scrypt for a passphrase, or those of other programs. */
  readonly kinds: readonly string[];
  /** Ids of peers, or recipients of age, as its publisher says; empty unless it is opened. */
  readonly to: readonly string[];
  /** Whether its content can be read here. */
  readonly isOpen: boolean;
}

/** The seal of a put that was interrupted, in the journal of transfers. */
export interface KeptSeal {
  readonly fileKey: string;
  readonly header: string;
  readonly nonce: string;
  readonly to: readonly string[];
}

/** The seal of a put in the journal, used again only while the file is the very same. */
export interface SealJournal {
  /** Null when there is none for a file with this fingerprint. */
  kept(fingerprint: string): KeptSeal | null;
  keep(fingerprint: string, seal: KeptSeal): Promise<void>;
}
