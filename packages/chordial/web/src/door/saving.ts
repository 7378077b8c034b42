/** What the page of a sealed link and its worker tell each other. */

/** A file that the page wants to be saved. */
export interface Wanted {
  /** Names it in the URL that the browser then asks for. */
  readonly token: string;
  /** Where its sealed bytes are. */
  readonly source: string;
  readonly name: string;
  readonly size: number;
  readonly fileKey: Uint8Array;
}

export type Told =
  | { readonly state: 'ready' }
  | { readonly state: 'saving'; readonly bytes: number }
  | { readonly state: 'saved' }
  | { readonly state: 'failed' };
