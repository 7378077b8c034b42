/** XML of WebDAV requests, which is hostile, and of its answers. */
import type { SaxesTagNS } from 'saxes';
import { ChordialError } from '../../errors.ts';
import { visitXml, type XmlVisitor } from '../../xml.ts';

export const davNamespace = 'DAV:';
/** A request has a few levels; deeper ones are attacks. */
const maxDepth = 32;
const maxElements = 4096;
const bounds = { maxDepth, maxElements };
/** Of all start tags, each with the namespaces that it uses: a long one that is declared once counts as often as it is used. */
const maxTagCharacters = 256 * 1024;

export interface XmlElement {
  readonly namespace: string;
  readonly name: string;
  readonly children: readonly XmlElement[];
  readonly text: string;
  /** What is in it, as XML with its own namespaces, to be given back as it came. */
  readonly inner: string;
}

interface Open {
  readonly namespace: string;
  readonly name: string;
  readonly start: string;
  readonly children: XmlElement[];
  text: string;
  inner: string;
}

/** Null for an empty body. Throws `bad-request` for anything that is not well-formed, or uses entities or document types. */
export function parseXml(text: string): XmlElement | null {
  if (text.trim() === '') return null;
  const open: Open[] = [];
  let root: XmlElement | null = null;
  let tagCharacters = 0;
  const visitor: XmlVisitor<SaxesTagNS> = {
    opened: (tag) => {
      const { uri: namespace, local: name } = tag;
      const start = startOf(tag);
      tagCharacters += start.length;
      if (tagCharacters > maxTagCharacters) throw new Error('its namespaces are too long');
      open.push({ namespace, name, start, children: [], text: '', inner: '' });
    },
    text: (piece) => {
      const top = open.at(-1);
      if (top === undefined) return;
      top.text += piece;
      top.inner += escaped(piece);
    },
    closed: (tag) => {
      const { start, ...element } = open.pop()!;
      const above = open.at(-1);
      if (above === undefined) root = element;
      else {
        above.children.push(element);
        above.inner += `<${start}>${element.inner}</${tag.name}>`;
      }
    },
  };
  try {
    visitXml(text, true, bounds, visitor);
  } catch (error) {
    throw badXml((error as Error).message);
  }
  return root;
}

/** A start tag that declares each prefix that it uses itself: it is given back below another element. */
function startOf({ name, prefix, uri, attributes }: SaxesTagNS): string {
  const used = new Map([[prefix, uri]]);
  const written: string[] = [];
  for (const one of Object.values(attributes)) {
    if (one.name === 'xmlns' || one.prefix === 'xmlns') continue;
    if (one.prefix !== '' && one.prefix !== 'xml') used.set(one.prefix, one.uri);
    written.push(` ${one.name}="${escaped(one.value)}"`);
  }
  const declared = [...used].map(([of, namespace]) => ` xmlns${of === '' ? '' : `:${of}`}="${escaped(namespace)}"`);
  return name + declared.join('') + written.join('');
}

export function child({ children }: XmlElement, name: string, namespace = davNamespace): XmlElement | undefined {
  return children.find((one) => one.name === name && one.namespace === namespace);
}

/** Text and attribute values; characters that XML cannot have are replaced. */
export function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]/gu, '\ufffd')
    .replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

export const xmlHead = '<?xml version="1.0" encoding="utf-8"?>\n';

function badXml(reason: string): ChordialError {
  return new ChordialError('bad-request', `The body is no XML that this takes: ${reason}.`);
}
