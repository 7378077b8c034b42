/** Order and filters of a list, kept in the URL: reload, back and links show the same. */

export const sorts = ['name', 'size', 'date', 'copies'] as const;
export type Sort = (typeof sorts)[number];
export const kinds = ['image', 'video', 'audio', 'document', 'archive', 'folder', 'other'] as const;
export type Kind = (typeof kinds)[number];

export interface Wish {
  readonly sort: Sort;
  readonly descending: boolean;
  readonly kinds: readonly Kind[];
  /** Bytes. */
  readonly least: number | null;
  readonly most: number | null;
  /** Days, such as 2026-01-31, both inclusive. */
  readonly after: string | null;
  readonly before: string | null;
  readonly publisher: string | null;
  readonly zone: string | null;
}

export const noFilters = {
  kinds: [],
  least: null,
  most: null,
  after: null,
  before: null,
  publisher: null,
  zone: null,
} as const;
const names = ['sort', 'desc', 'kind', 'least', 'most', 'after', 'before', 'publisher', 'zone'] as const;

/** What is not understood is left out. */
export function wishIn(params: URLSearchParams): Wish {
  const size = (name: string): number | null => {
    const number = Number(params.get(name) ?? Number.NaN);
    return Number.isSafeInteger(number) && number >= 0 ? number : null;
  };
  const day = (name: string): string | null => {
    const text = params.get(name) ?? '';
    return /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null;
  };
  const wanted = (params.get('kind') ?? '').split(',');
  return {
    sort: sorts.find((one) => one === params.get('sort')) ?? 'name',
    descending: params.get('desc') === '1',
    kinds: kinds.filter((one) => wanted.includes(one)),
    least: size('least'),
    most: size('most'),
    after: day('after'),
    before: day('before'),
    publisher: params.get('publisher')?.slice(0, 128) || null,
    zone: params.get('zone')?.slice(0, 64) || null,
  };
}

/** As the API takes it. */
export function wishQuery({ sort, descending, kinds, least, most, after, before, publisher, zone }: Wish) {
  return {
    ...{ sort, descending },
    ...(kinds.length === 0 ? {} : { kind: kinds.join(',') }),
    ...(least === null ? {} : { least }),
    ...(most === null ? {} : { most }),
    // Days of the reader.
    ...(after === null ? {} : { after: new Date(`${after}T00:00:00`).toISOString() }),
    ...(before === null ? {} : { before: new Date(`${before}T23:59:59.999`).toISOString() }),
    ...(publisher === null ? {} : { publisher }),
    ...(zone === null ? {} : { zone }),
  };
}

export function filtersIn({ kinds, least, most, after, before, publisher, zone }: Wish): number {
  return [kinds.length > 0 || null, least ?? most, after, before, publisher, zone].filter((one) => one !== null).length;
}

/** The search part of a URL with this wish instead of the one before. */
export function searchWith(search: string, next: Wish): string {
  const params = new URLSearchParams(search);
  for (const name of names) params.delete(name);
  const given: Record<(typeof names)[number], string | number | null> = {
    sort: next.sort === 'name' ? null : next.sort,
    desc: next.descending ? 1 : null,
    kind: next.kinds.join(',') || null,
    least: next.least,
    most: next.most,
    after: next.after,
    before: next.before,
    publisher: next.publisher,
    zone: next.zone,
  };
  for (const [name, value] of Object.entries(given)) if (value !== null) params.set(name, String(value));
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}
