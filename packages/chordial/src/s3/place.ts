/** Where in an object store a peer keeps its blocks, as its settings say. */
import { ChordialError } from '../errors.ts';

export interface S3Place {
  /** Origin of the store. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Without slashes around it; may be empty. */
  readonly prefix: string;
}

export type BucketPlace = Pick<S3Place, 'bucket' | 'prefix'>;

export const defaultRegion = 'us-east-1';
const maxPrefixCharacters = 256;
const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
/** Characters that every store, proxy and signature takes as they are. */
const segmentPattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;

/** `s3://bucket/prefix`. Throws `bad-usage` naming `place`. */
export function parseBucketPlace(text: string, place: string): BucketPlace {
  const match = /^s3:\/\/([^/]*)(?:\/(.*))?$/.exec(text);
  const [, bucket = '', path = ''] = match ?? [];
  const segments = path.replace(/\/$/, '').split('/');
  const prefix = path === '' ? '' : segments.join('/');
  const isPrefix = prefix === '' || segments.every((segment) => segmentPattern.test(segment));
  if (bucketPattern.test(bucket) && isPrefix && prefix.length <= maxPrefixCharacters) return { bucket, prefix };
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is no place for blocks. Give s3://BUCKET or s3://BUCKET/PREFIX, the prefix of letters, digits, dots, hyphens and underscores, for example s3://backup/chordial.`,
  );
}

/** Throws `bad-usage` naming `place`. */
export function parseRegion(text: string, place: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/.test(text)) return text;
  throw new ChordialError(
    'bad-usage',
    `${place} ${JSON.stringify(text.slice(0, 80))} is not a region. Give letters, digits and hyphens, for example eu-central-1.`,
  );
}

/** Of AWS, where no endpoint is given. */
export function endpointOf(region: string): string {
  return `https://s3.${region}.amazonaws.com`;
}

export function shownPlace({ bucket, prefix, endpoint }: Omit<S3Place, 'region'>): string {
  return `s3://${bucket}${prefix === '' ? '' : `/${prefix}`} at ${endpoint}`;
}
