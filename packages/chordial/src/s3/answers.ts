/** What a store answers: errors with their meaning, and pages of listings. It may be anything, also of a proxy before it. */
import { elementsNamed, readXml, textOfChild } from '../xml.ts';

/**
 * `away`: tried again. `refused`: by the store on purpose, until settings or keys change. `full`: it takes no more.
 */
export type FaultKind = 'away' | 'refused' | 'full';

export class S3Fault extends Error {
  readonly kind: FaultKind;
  /** When the store said so: not before this many milliseconds. */
  readonly retryAfter: number;

  constructor(
    kind: FaultKind,
    message: string,
    { retryAfter = 0, ...options }: ErrorOptions & { retryAfter?: number } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }
}

/** Settings of this peer decide these; a certificate that has expired is renewed by others. */
const untrustedCodes = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** What keeps a request from being answered at all. */
export function faultOfFailure(error: NodeJS.ErrnoException): S3Fault {
  const { code = '', message } = error;
  if (untrustedCodes.has(code)) {
    const remedy =
      'If that is one of your own, set NODE_EXTRA_CA_CERTS to the file of its certificate, and start again.';
    return new S3Fault('refused', `no CA known here signed its certificate (${message}). ${remedy}`, { cause: error });
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new S3Fault('refused', `${message} Check --s3-endpoint.`, { cause: error });
  // Node joins failures of several addresses without a message of its own.
  const joined =
    error instanceof AggregateError ? error.errors.map((one: Error) => one.message).join(', ') : error.name;
  return new S3Fault('away', message || joined, { cause: error });
}

export interface S3Answer {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly bytes: Uint8Array;
}

export interface ListedPage {
  readonly keys: readonly string[];
  /** Of the next page; null on the last. */
  readonly token: string | null;
}

/** A page of 1000 objects, with what any store tells of each. */
const maxListElements = 20_000;
const maxTextCharacters = 200;
const maxRetryAfterMilliseconds = 5000;
const fullCodes = new Set([
  'QuotaExceeded',
  'InsufficientStorage',
  'InsufficientStorageSpace',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
]);
/** Of a time, not of the request: the same request succeeds later. */
const passingCodes = new Set([
  'SlowDown',
  'RequestTimeout',
  'OperationAborted',
  'ConditionalRequestConflict',
  'InternalError',
]);
const remedies: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'It does not know the access key. Check AWS_ACCESS_KEY_ID or the file of --s3-keys.',
  SignatureDoesNotMatch: 'The secret key is another one, or the region is. Check the keys and --s3-region.',
  AccessDenied: 'The keys may not do this. Allow them to list the bucket, and to get, put and delete its objects.',
  AllAccessDisabled: 'The account of the keys is switched off.',
  ExpiredToken: 'The session token has expired. Put a new one into the file of --s3-keys, which is read again.',
  InvalidToken: 'The session token is no good. Check AWS_SESSION_TOKEN.',
  RequestTimeTooSkewed: 'The clock of this machine is off. Set it.',
  NoSuchBucket: 'There is no such bucket. Create it, or check --blocks.',
  PermanentRedirect: 'The bucket is in another region. Check --s3-region and --s3-endpoint.',
  AuthorizationHeaderMalformed: 'The bucket is in another region. Check --s3-region.',
};

interface ErrorBody {
  readonly code: string;
  readonly message: string;
}

/** Null when the body is none of a store. */
export function errorBody({ bytes }: Pick<S3Answer, 'bytes'>): ErrorBody | null {
  const root = readXml(Buffer.from(bytes).toString());
  if (root === null || root.name !== 'Error') return null;
  return { code: shown(textOfChild(root, 'Code') ?? ''), message: shown(textOfChild(root, 'Message') ?? '') };
}

/** Only then is an object absent: a bucket that is not there, and a page of some proxy, have the same status. */
export function isAbsent(answer: S3Answer): boolean {
  return answer.status === 404 && errorBody(answer)?.code === 'NoSuchKey';
}

/** What an answer other than the expected ones means. */
export function faultOf(answer: S3Answer): S3Fault {
  const { status } = answer;
  const body = errorBody(answer);
  const code = body?.code ?? '';
  const said = `${status}${code === '' ? '' : ` ${code}`}${body === null || body.message === '' ? '' : `: ${body.message}`}`;
  if (status === 507 || status === 413 || fullCodes.has(code)) return new S3Fault('full', said);
  const retryAfter = Math.min(maxRetryAfterMilliseconds, Number(answer.header('retry-after') ?? 0) * 1000 || 0);
  const isPassing = (status >= 500 && status !== 501) || status === 429 || status === 408 || passingCodes.has(code);
  if (isPassing) return new S3Fault('away', said, { retryAfter });
  // A page that is none of a store, and no refusal either.
  if (body === null && ![401, 403].includes(status) && !isRedirect(status))
    return new S3Fault('away', `${status}, with a body that is none of an object store`);
  const remedy = remedies[code] ?? (isRedirect(status) ? remedies['PermanentRedirect'] : undefined);
  return new S3Fault('refused', remedy === undefined ? said : `${said}. ${remedy}`);
}

/** Throws S3Fault for what is no page of a listing. */
export function listedPage({ bytes }: S3Answer): ListedPage {
  const root = readXml(Buffer.from(bytes).toString(), maxListElements);
  if (root === null || root.name !== 'ListBucketResult') throw new S3Fault('away', 'its listing cannot be read');
  const isEncoded = textOfChild(root, 'EncodingType') === 'url';
  const keys = elementsNamed(root, 'Contents').flatMap((one) => {
    const key = textOfChild(one, 'Key');
    return key === null ? [] : [isEncoded ? decoded(key) : key];
  });
  if (textOfChild(root, 'IsTruncated') !== 'true') return { keys, token: null };
  const token = textOfChild(root, 'NextContinuationToken');
  if (token === null || token === '') throw new S3Fault('away', 'its listing ends in the middle');
  return { keys, token };
}

const isRedirect = (status: number): boolean => status >= 300 && status < 400;

function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return key;
  }
}

/** What a store says, as part of a message. */
function shown(text: string): string {
  return text
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .replace(/\.$/, '')
    .slice(0, maxTextCharacters);
}
