/**
 * What a request to the gateway asks for, by its address, query and Accept
 * (https://specs.ipfs.tech/http-gateways/trustless-gateway/).
 */
import { hash } from 'node:crypto';
import type { CID } from 'multiformats/cid';
import { inlineBytes, parseCid } from '../../content/cid.ts';
import type { ByteWish, DagWish } from '../../content/dag-walk.ts';
import { ChordialError } from '../../errors.ts';
import { maxIdentityBytes } from '../limits.ts';

export interface Asked {
  readonly cid: CID;
  /** As it was given, without the query: `/ipfs/CID/a%20b`. */
  readonly address: string;
  readonly path: readonly string[];
  /** Null: raw, one block. */
  readonly car: (DagWish & { readonly repeats: boolean }) | null;
  /** Whether the query alone says the format. */
  readonly isExplicit: boolean;
  readonly filename: string;
}

const rawType = 'application/vnd.ipld.raw';
const carType = 'application/vnd.ipld.car';
const maxFilenameCharacters = 255;

/**
 * @param url of the request: path and query
 * @throws `bad-request` for what is no request to a gateway, `bad-cid`, `not-acceptable` for other formats
 */
export function readAsked(url: string, accept: string | undefined): Asked {
  const [address = '', ...rest] = url.split('?');
  const query = new URLSearchParams(rest.join('?'));
  const [head = '', ...names] = address.slice('/ipfs/'.length).split('/');
  const path = pathOf(names);
  const cid = parseCid(decoded(head));
  if ((inlineBytes(cid)?.length ?? 0) > maxIdentityBytes)
    throw new ChordialError('bad-cid', `A CID carries at most ${maxIdentityBytes} bytes itself. Ask for a block.`);
  const format = one(query, 'format');
  const offer = format === null ? offerOf(accept) : offerNamed(format, accept);
  const isRaw = offer.type === rawType;
  if (isRaw && path.length > 0)
    throw new ChordialError('bad-request', 'A path cannot be verified with one block. Ask for it with format=car.');
  return {
    cid,
    address,
    path,
    car: isRaw ? null : carWish(query, offer, path),
    isExplicit: format !== null,
    filename: filenameOf(query, `${cid}${isRaw ? '.bin' : '.car'}`),
  };
}

/** Of the answer. */
export function contentType({ car }: Asked): string {
  return car === null ? rawType : `${carType}; version=1; order=dfs; dups=${car.repeats ? 'y' : 'n'}`;
}

/** What tells answers for one CID apart, as part of an ETag. */
export function variantOf({ car }: Asked): string {
  return car === null ? 'raw' : `car.${hash('sha256', JSON.stringify(car), 'hex').slice(0, 16)}`;
}

function pathOf(names: readonly string[]): readonly string[] {
  // One slash at the end is usual.
  const path = (names.at(-1) === '' ? names.slice(0, -1) : names).map(decoded);
  const bad = path.find((name) => name === '' || name === '.' || name === '..');
  if (bad === undefined) return path;
  throw new ChordialError('bad-request', `The path has the part ${JSON.stringify(bad)}, which no folder holds.`);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new ChordialError(
      'bad-request',
      `The path has an invalid percent-encoding in ${JSON.stringify(part.slice(0, 80))}.`,
      {
        cause,
      },
    );
  }
}

interface Offer {
  readonly type: typeof rawType | typeof carType;
  readonly parameters: ReadonlyMap<string, string>;
}

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly weight: number;
}

function offerNamed(format: string, accept: string | undefined): Offer {
  const type = format === 'raw' ? rawType : format === 'car' ? carType : null;
  if (type === null) throw notAcceptable(`the format ${JSON.stringify(format.slice(0, 40))}`);
  // Parameters of a CAR may come with Accept all the same.
  const { parameters = new Map() } = rangesIn(accept).find((range) => range.type === type) ?? {};
  return { type, parameters };
}

function offerOf(accept: string | undefined): Offer {
  const ranges = rangesIn(accept);
  for (const { type, parameters } of ranges) {
    if (type === rawType) return { type, parameters };
    if (type === carType && isOffered(parameters)) return { type, parameters };
  }
  const isOpen = ranges.length === 0 || ranges.some(({ type }) => type.endsWith('/*') || type === 'text/html');
  if (!isOpen) throw notAcceptable(`what Accept names (${accept?.slice(0, 80)})`);
  throw new ChordialError(
    'bad-request',
    'This gateway gives blocks to be verified, and no pages. Ask with format=raw or format=car.',
  );
}

function isOffered(parameters: ReadonlyMap<string, string>): boolean {
  return (
    ['1', undefined].includes(parameters.get('version')) && ['dfs', 'unk', undefined].includes(parameters.get('order'))
  );
}

/** Of an Accept (RFC 9110, section 12.5.1), the preferred first. Parts that are malformed are left out. */
function rangesIn(accept = ''): readonly Range[] {
  const ranges: Range[] = [];
  for (const part of accept.split(',').slice(0, 32)) {
    const [type = '', ...rest] = part.split(';').map((one) => one.trim().toLowerCase());
    const pairs = rest.slice(0, 8).map((one) => one.split('=', 2) as [string, string?]);
    const parameters = new Map(
      pairs.map(([name, value = '']) => [name.trim(), value.trim().replace(/^"(.*)"$/, '$1')]),
    );
    const weight = Number(parameters.get('q') ?? 1);
    if (type.includes('/') && weight > 0) ranges.push({ type, parameters, weight });
  }
  return ranges.sort((a, b) => b.weight - a.weight);
}

function carWish(query: URLSearchParams, { parameters }: Offer, path: readonly string[]): Asked['car'] {
  const version = one(query, 'car-version') ?? parameters.get('version') ?? '1';
  if (version !== '1') throw notAcceptable(`version ${JSON.stringify(version.slice(0, 20))} of CAR`);
  const order = one(query, 'car-order') ?? parameters.get('order') ?? 'dfs';
  if (order !== 'dfs' && order !== 'unk') throw notAcceptable(`the order ${JSON.stringify(order.slice(0, 20))}`);
  const dups = one(query, 'car-dups') ?? parameters.get('dups') ?? 'n';
  if (dups !== 'y' && dups !== 'n') throw notAcceptable(`dups=${JSON.stringify(dups.slice(0, 20))}`);
  const scope = one(query, 'dag-scope') ?? 'all';
  if (scope !== 'block' && scope !== 'entity' && scope !== 'all')
    throw new ChordialError(
      'bad-request',
      `dag-scope is block, entity or all, not ${JSON.stringify(scope.slice(0, 40))}.`,
    );
  const range = rangeOf(one(query, 'entity-bytes'));
  // Of one block no part can be verified.
  const isPart = range !== null && scope !== 'block';
  return { path, scope: isPart ? 'entity' : scope, range: isPart ? range : null, repeats: dups === 'y' };
}

function rangeOf(text: string | null): ByteWish | null {
  if (text === null) return null;
  const [, from = '', to = ''] = /^(-?\d{1,15}):(\*|-?\d{1,15})$/.exec(text) ?? [];
  const range = { from: Number(from), to: to === '*' ? null : Number(to) };
  const isBackwards = range.to !== null && range.from < 0 === range.to < 0 && range.from > range.to;
  if (from !== '' && !isBackwards) return range;
  throw new ChordialError(
    'bad-request',
    `entity-bytes is FIRST:LAST or FIRST:*, negative from the end, not ${JSON.stringify(text.slice(0, 40))}.`,
  );
}

function filenameOf(query: URLSearchParams, otherwise: string): string {
  const given = one(query, 'filename');
  return given === null || given === '' ? otherwise : given.slice(0, maxFilenameCharacters).toWellFormed();
}

function one(query: URLSearchParams, name: string): string | null {
  const [value = null, ...more] = query.getAll(name);
  if (more.length === 0) return value;
  throw new ChordialError('bad-request', `The query has ${name} more than once.`);
}

function notAcceptable(what: string): ChordialError {
  return new ChordialError('not-acceptable', `This gateway does not give ${what}. Ask with format=raw or format=car.`);
}
