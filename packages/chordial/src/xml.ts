/** XML of routers, object stores and clients of the drive, read with bounds: no document types, no entities but those of XML, so much depth and so many elements. */
import { SaxesParser, type SaxesTag } from 'saxes';

const maxDepth = 24;
const defaultMaxElements = 4096;
/** Of one element; more is cut off. */
const maxTextCharacters = 1024;

export interface XmlElement {
  /** Without its prefix. */
  readonly name: string;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children, trimmed. */
  readonly text: string;
}

interface Open {
  readonly name: string;
  readonly children: XmlElement[];
  text: string;
}

export interface XmlBounds {
  readonly maxDepth: number;
  readonly maxElements: number;
}

/** What is called for each element, from outside inwards, and for text in between. */
export interface XmlVisitor<Tag extends SaxesTag> {
  opened(tag: Tag): void;
  text(piece: string): void;
  closed(tag: Tag): void;
}

/** Throws an Error with the reason for what is malformed, has a document type or breaks a bound. */
export function visitXml<Tag extends SaxesTag>(
  document: string,
  hasNamespaces: boolean,
  { maxDepth, maxElements }: XmlBounds,
  visitor: XmlVisitor<Tag>,
): void {
  let [depth, elements] = [0, 0];
  const parser = new SaxesParser({ xmlns: hasNamespaces });
  parser.on('error', (error) => {
    throw new Error(error.message.replace(/^\d+:\d+: /, ''));
  });
  parser.on('doctype', () => {
    throw new Error('it has a document type, which is not taken');
  });
  parser.on('opentag', (tag) => {
    elements += 1;
    depth += 1;
    if (elements > maxElements || depth > maxDepth) throw new Error('it is too deep or too long');
    visitor.opened(tag as SaxesTag as Tag);
  });
  for (const kind of ['text', 'cdata'] as const) parser.on(kind, (piece) => visitor.text(piece));
  parser.on('closetag', (tag) => {
    depth -= 1;
    visitor.closed(tag as SaxesTag as Tag);
  });
  parser.write(document).close();
}

/** The root element; null when it is malformed or breaks a bound. */
export function readXml(document: string, maxElements = defaultMaxElements): XmlElement | null {
  const open: Open[] = [];
  let root: XmlElement | null = null;
  const visitor: XmlVisitor<SaxesTag> = {
    opened: ({ name }) => void open.push({ name: name.slice(name.indexOf(':') + 1), children: [], text: '' }),
    text: (piece) => {
      const inner = open.at(-1);
      if (inner !== undefined && inner.text.length < maxTextCharacters) inner.text += piece.slice(0, maxTextCharacters);
    },
    closed: () => {
      const closed = open.pop();
      if (closed === undefined) return;
      const element = { ...closed, text: closed.text.trim() };
      const outer = open.at(-1);
      if (outer === undefined) root = element;
      else outer.children.push(element);
    },
  };
  try {
    // Some routers write zero bytes behind the end, and prefixes that they do not declare.
    visitXml(withoutEnd(document), false, { maxDepth, maxElements }, visitor);
    return root;
  } catch {
    return null;
  }
}

/** Without the zero bytes and white space at its end. */
function withoutEnd(document: string): string {
  let end = document.length;
  while (end > 0 && /[\0\s]/.test(document[end - 1] ?? '')) end -= 1;
  return document.slice(0, end);
}

/** All elements of this name, outer ones first. */
export function elementsNamed(root: XmlElement, name: string): readonly XmlElement[] {
  const below = root.children.flatMap((child) => elementsNamed(child, name));
  return root.name === name ? [root, ...below] : below;
}

/** The text of the first child of this name; null without one. */
export function textOfChild(element: XmlElement, name: string): string | null {
  return element.children.find((child) => child.name === name)?.text ?? null;
}
