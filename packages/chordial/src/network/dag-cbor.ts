/**
 * DAG-CBOR that reads back what was written: the decoder of `@ipld/dag-cbor` drops a byte order mark at the beginning of a text and
 * puts U+FFFD where bytes are no UTF-8, so that what was signed would read back as something else. Here the first is kept and the
 * second refused. Nothing else in `src` imports the package.
 */
import { decodeOptions, encode } from '@ipld/dag-cbor';
import { decode as decodeTokens, Token, Tokenizer, Type } from 'cborg';

export { encode };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const replacement = '\ufffd';
/** Of a byte order mark, and of few other characters. */
const firstByteOfMark = 0xef;

class ExactTokenizer extends Tokenizer {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    super(bytes, decodeOptions);
    this.#bytes = bytes;
  }

  override next(): Token {
    const token = super.next();
    if (token.type !== Type.string) return token;
    const start = this.pos() - (token.encodedLength ?? 0);
    const textStart = start + headBytes(this.#bytes[start] ?? 0);
    if (this.#bytes[textStart] !== firstByteOfMark && !(token.value as string).includes(replacement)) return token;
    return new Token(Type.string, utf8.decode(this.#bytes.subarray(textStart, this.pos())), token.encodedLength);
  }
}

/** Throws an Error for anything that is not one value of strict DAG-CBOR with texts in UTF-8. */
export function decode<Value>(bytes: Uint8Array): Value {
  // What is cut out of a Buffer would be Buffers.
  const view = Buffer.isBuffer(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length) : bytes;
  return decodeTokens(view, { ...decodeOptions, tokenizer: new ExactTokenizer(view) }) as Value;
}

/** Bytes before a text, by its first byte: of lengths up to 23 one, then one more, two, four or eight. */
function headBytes(first: number): number {
  const minor = first & 31;
  return minor < 24 ? 1 : 1 + 2 ** (minor - 24);
}
