/** A certificate and its key in files: read at the start, and again while they are used, since certificates are renewed. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { ChordialError } from '../errors.ts';
import { readSmallFile } from '../storage/small-file.ts';

/** In PEM. */
export interface TlsPair {
  readonly certificate: string;
  readonly key: string;
}

/** Paths, and for messages what they are for and the settings that name them. */
export interface TlsPlaces {
  readonly certificate: string;
  readonly key: string;
  readonly what: string;
  readonly flags: string;
}

const maxPemBytes = 1024 * 1024;
const pollMilliseconds = 1_000;

/** Throws `bad-configuration` for what cannot be read, is no pair, or has expired. */
export async function readTlsPair(places: TlsPlaces): Promise<TlsPair> {
  let reading = places.certificate;
  try {
    const certificate = (await readSmallFile(places.certificate, maxPemBytes)).toString();
    reading = places.key;
    const key = (await readSmallFile(places.key, maxPemBytes)).toString();
    createSecureContext({ cert: certificate, key });
    reading = places.certificate;
    const { validToDate } = new X509Certificate(certificate);
    if (validToDate.getTime() < Date.now()) throw new Error(`it expired on ${validToDate.toISOString()}`);
    return { certificate, key };
  } catch (cause) {
    throw new ChordialError(
      'bad-configuration',
      `TLS of ${places.what} cannot be loaded from ${reading} (${(cause as Error).message}). Give a certificate that is valid and its key in PEM with ${places.flags}, readable for this user.`,
      { cause },
    );
  }
}

export interface TlsWatchOptions {
  /** A new pair, for connections from now on. */
  readonly changed: (pair: TlsPair) => void;
  /** Called when it becomes bad, with why, and with null when it is good again. */
  readonly fault: (fault: string | null) => void;
}

/** Looks at the files every second. While they are bad the pair before stays in use. */
export class TlsWatch {
  readonly #places: TlsPlaces;
  readonly #options: TlsWatchOptions;
  readonly #timer: NodeJS.Timeout;
  #used: TlsPair;
  #fault: string | null = null;
  #looking: Promise<void> | null = null;

  constructor(places: TlsPlaces, used: TlsPair, options: TlsWatchOptions) {
    this.#places = places;
    this.#used = used;
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#looking ??= this.look().finally(() => {
        this.#looking = null;
      });
    }, pollMilliseconds).unref();
  }

  /** The certificate in use: when it expires, and its SHA-256 in hexadecimal. */
  get shown(): { readonly expires: string; readonly fingerprint: string } {
    const { validToDate, fingerprint256 } = new X509Certificate(this.#used.certificate);
    return { expires: validToDate.toISOString(), fingerprint: fingerprint256.replaceAll(':', '').toLowerCase() };
  }

  async look(): Promise<void> {
    let fault: string | null = null;
    try {
      const pair = await readTlsPair(this.#places);
      const { certificate, key } = this.#used;
      if (pair.certificate !== certificate || pair.key !== key) {
        this.#options.changed(pair);
        this.#used = pair;
      }
    } catch (error) {
      fault = (error as Error).message;
    }
    if (fault !== this.#fault) this.#options.fault(fault);
    this.#fault = fault;
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
