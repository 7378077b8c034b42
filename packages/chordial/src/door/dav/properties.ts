/** Properties of resources as XML: those that the drive tells, and those that clients keep with a file. */
import type { Lock } from './locks.ts';
import type { Resource } from './resources.ts';
import { davNamespace, escaped, type XmlElement } from './xml.ts';

/** `{namespace}name`. */
export type PropertyName = string;

export interface PropertyContext {
  readonly locks: readonly Lock[];
  /** Of the network; null when unknown. */
  readonly quota: { readonly used: number; readonly available: number } | null;
  readonly hrefOf: (path: string) => string;
}

export const maxPropertyBytes = 16 * 1024;

const dav = (name: string): PropertyName => `{${davNamespace}}${name}`;

type Live = (resource: Resource, context: PropertyContext) => string | null;

const lockKinds = ['exclusive', 'shared'].map(
  (kind) => `<D:lockentry><D:lockscope><D:${kind}/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockentry>`,
);

/** Null where a resource has none. */
const live: ReadonlyMap<PropertyName, Live> = new Map<PropertyName, Live>([
  [dav('resourcetype'), ({ isFolder }) => (isFolder ? '<D:collection/>' : '')],
  [dav('displayname'), ({ name }) => escaped(name)],
  [dav('getcontentlength'), ({ isFolder, size }) => (isFolder ? null : String(size))],
  [dav('getcontenttype'), ({ isFolder }) => (isFolder ? 'httpd/unix-directory' : 'application/octet-stream')],
  [dav('getetag'), ({ isFolder, cid }) => (isFolder || cid === null ? null : escaped(`"${cid}"`))],
  [dav('getlastmodified'), ({ modified }) => (modified === null ? null : new Date(modified).toUTCString())],
  [dav('creationdate'), ({ modified }) => (modified === null ? null : new Date(modified).toISOString())],
  [dav('supportedlock'), () => lockKinds.join('')],
  [dav('lockdiscovery'), (_, { locks, hrefOf }) => locks.map((one) => activeLock(one, hrefOf)).join('')],
  [
    dav('quota-available-bytes'),
    ({ isFolder }, { quota }) => (isFolder && quota !== null ? String(quota.available) : null),
  ],
  [dav('quota-used-bytes'), ({ isFolder }, { quota }) => (isFolder && quota !== null ? String(quota.used) : null)],
]);

/** Only told when they are asked for by name (RFC 4331). */
const onlyByName = new Set([dav('quota-available-bytes'), dav('quota-used-bytes')]);

export function isLive(name: PropertyName): boolean {
  return live.has(name);
}

export function nameOfProperty({ namespace, name }: XmlElement): PropertyName {
  return `{${namespace}}${name}`;
}

/** `names` null: all; `isNames`: without values. */
export function responseOf(
  href: string,
  resource: Resource,
  wanted: {
    readonly names: readonly PropertyName[] | null;
    readonly isNames: boolean;
    readonly more?: readonly PropertyName[];
  },
  context: PropertyContext,
): string {
  const found: string[] = [];
  const missing: string[] = [];
  const asked = wanted.names ?? [
    ...[...live.keys()].filter((name) => !onlyByName.has(name)),
    ...Object.keys(resource.properties),
    ...(wanted.more ?? []),
  ];
  for (const name of asked) {
    const value = live.get(name)?.(resource, context) ?? (live.has(name) ? null : (resource.properties[name] ?? null));
    if (value !== null) found.push(element(name, wanted.isNames ? '' : value));
    else if (wanted.names !== null) missing.push(element(name, ''));
  }
  const part = (some: readonly string[], status: string): string =>
    some.length === 0
      ? ''
      : `<D:propstat><D:prop>${some.join('')}</D:prop><D:status>HTTP/1.1 ${status}</D:status></D:propstat>`;
  const parts = part(found, '200 OK') + part(missing, '404 Not Found');
  return `<D:response><D:href>${escaped(href)}</D:href>${parts || part([' '], '200 OK')}</D:response>\n`;
}

/** An element of any namespace with content that is XML already. */
export function element(name: PropertyName, inner: string): string {
  const [, namespace = '', local = ''] = /^\{([^}]*)\}(.*)$/.exec(name) ?? [];
  if (namespace === davNamespace) return `<D:${local}>${inner}</D:${local}>`;
  if (namespace === '') return `<${local} xmlns="">${inner}</${local}>`;
  return `<X:${local} xmlns:X="${escaped(namespace)}">${inner}</X:${local}>`;
}

export function activeLock(
  { token, path, isDeep, isShared, owner, timeout }: Lock,
  hrefOf: (path: string) => string,
): string {
  return [
    '<D:activelock><D:locktype><D:write/></D:locktype>',
    `<D:lockscope><D:${isShared ? 'shared' : 'exclusive'}/></D:lockscope>`,
    `<D:depth>${isDeep ? 'infinity' : '0'}</D:depth>`,
    owner === '' ? '' : `<D:owner>${owner}</D:owner>`,
    `<D:timeout>Second-${timeout}</D:timeout>`,
    `<D:locktoken><D:href>${escaped(token)}</D:href></D:locktoken>`,
    `<D:lockroot><D:href>${escaped(hrefOf(path))}</D:href></D:lockroot></D:activelock>`,
  ].join('');
}
