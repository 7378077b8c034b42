/** The content of an age file with a known file key. */
import { Decrypter } from 'age-encryption';

/** The content as it arrives, each piece verified. Rejects, or breaks, when the bytes are not of this key, cut or changed. */
export async function decrypted(
  sealed: ReadableStream<Uint8Array>,
  fileKey: Uint8Array,
): Promise<ReadableStream<Uint8Array>> {
  const decrypter = new Decrypter();
  decrypter.addIdentity({ unwrapFileKey: () => fileKey });
  return decrypter.decrypt(sealed);
}
