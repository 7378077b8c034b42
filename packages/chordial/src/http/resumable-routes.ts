/** Resumable uploads by tus 1.0 with creation and termination (https://tus.io/protocols/resumable-upload). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { Upload, Uploads } from '../transfer/uploads.ts';
import { bodyOf, checkBodyHeaders } from './request-body.ts';

const version = '1.0.0';
const maxUploadBytes = 2 ** 50;
/** A file name of 255 bytes in base64, and room for other clients' metadata. */
const maxMetadataCharacters = 4096;
const maxMarkCharacters = 512;
const piecesType = 'application/offset+octet-stream';

interface UploadRoute {
  Params: { upload: string };
}

/** Whose uploads these are, and where. */
export interface Resumable {
  /** `/api/v1/uploads`, perhaps with parameters. */
  readonly url: string;
  readonly uploads: () => Pick<Uploads, 'offset'>;
  readonly create: (request: FastifyRequest, file: AnnouncedFile) => Promise<Upload>;
  /** Throws `not-found`. */
  readonly get: (request: FastifyRequest, id: string) => Upload | Promise<Upload>;
  readonly append: (request: FastifyRequest, id: string, piece: Piece) => Promise<Upload>;
  readonly remove: (request: FastifyRequest, id: string) => Promise<void>;
}

export interface AnnouncedFile {
  readonly name: string;
  readonly size: number;
  /** What tells it from others of this name and size, if the sender says. */
  readonly mark: string | null;
  /** `true`, `false`, and for whom, one a line, if the sender says. */
  readonly sealed: string | undefined;
  readonly to: string | undefined;
}

export interface Piece {
  readonly offset: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** Fires when the sender is gone. */
  readonly signal: AbortSignal;
}

const spoken = { 'Tus-Resumable': `Required: ${version}` };

/** Needs its own scope: bodies are not parsed here, whatever their type. */
export function resumableRoutes(scope: FastifyInstance, { url, uploads, ...served }: Resumable): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
  scope.addHook('onRequest', async (request, reply) => {
    reply.header('Tus-Resumable', version).header('Cache-Control', 'no-store');
    const asked = request.headers['tus-resumable'];
    if (request.method === 'OPTIONS' || asked === version) return;
    throw new ChordialError(
      'bad-request',
      `Tus-Resumable is ${JSON.stringify(asked ?? null)}; this peer speaks ${version}.`,
    );
  });
  const place = url.split('/').filter((part) => part.startsWith(':'));
  const properties = Object.fromEntries(place.map((part) => [part.slice(1), { type: 'string', maxLength: 64 }]));
  const parameters = {
    type: 'object',
    properties: { ...properties, upload: { type: 'string', pattern: '^[0-9a-f-]{36}$' } },
    required: [...Object.keys(properties), 'upload'],
  } as const;
  const config = { streamsBody: true };

  scope.options(url, { schema: { summary: 'Supported tus version and extensions' } }, async (_request, reply) =>
    reply
      .code(204)
      .header('Tus-Version', version)
      .header('Tus-Extension', 'creation,termination')
      .header('Tus-Max-Size', String(maxUploadBytes))
      .send(),
  );

  const create = {
    summary: 'Begins an upload',
    reads: {
      ...spoken,
      'Upload-Length': 'Required: bytes of the whole file',
      'Upload-Metadata':
        'Required: "filename" and the name in base64; at the API also "sealed", true or false, and "to" as of PUT /api/v1/files/{name}',
    },
    empty: [201],
  };
  scope.post(url, { schema: create }, async (request, reply) => {
    const announced = metadataOf(headerOf(request, 'upload-metadata'));
    const size = byteCount(request, 'upload-length', maxUploadBytes);
    const upload = await served.create(request, { ...announced, size });
    const location = `${request.url.split('?', 1)[0]}/${upload.id}`;
    return told(reply.code(201).header('Location', location), upload, uploads().offset(upload)).send();
  });

  const head = {
    summary: 'Bytes of an upload received so far: Upload-Offset',
    params: parameters,
    reads: spoken,
    empty: [200],
  };
  scope.head<UploadRoute>(`${url}/:upload`, { schema: head }, async (request, reply) => {
    const upload = await served.get(request, request.params.upload);
    return told(reply.code(200).header('Upload-Length', String(upload.size)), upload, uploads().offset(upload)).send();
  });

  const patch = {
    summary: 'Sends the next bytes; answered after the last ones when the file is in the network',
    params: parameters,
    reads: { ...spoken, 'Upload-Offset': 'Required: where these bytes begin' },
    consumes: [piecesType],
  };
  scope.patch<UploadRoute>(`${url}/:upload`, { schema: patch, config }, async (request, reply) => {
    if (request.headers['content-type'] !== piecesType) {
      throw new ChordialError('unsupported-type', `The bytes of an upload have the type ${piecesType}.`);
    }
    checkBodyHeaders(request, reply);
    const offset = byteCount(request, 'upload-offset', maxUploadBytes);
    const given = new AbortController();
    reply.raw.once('close', () => given.abort());
    const piece = { offset, body: bodyOf(request.raw), signal: given.signal };
    const upload = await served.append(request, request.params.upload, piece);
    return told(reply.code(204), upload, uploads().offset(upload)).send();
  });

  const remove = { summary: 'Ends an upload and frees its bytes', params: parameters, reads: spoken };
  scope.delete<UploadRoute>(`${url}/:upload`, { schema: remove }, async (request, reply) => {
    await served.remove(request, request.params.upload);
    return reply.code(204).send();
  });
}

function told(reply: FastifyReply, { result }: Upload, offset: number): FastifyReply {
  if (result !== null) reply.header('ETag', `"${result.cid}"`).header('Chordial-Copies', String(result.copies));
  return reply.header('Upload-Offset', String(offset));
}

/** Pairs of key and base64, separated by commas. */
function metadataOf(metadata: string): Omit<AnnouncedFile, 'size'> {
  if (metadata.length > maxMetadataCharacters) {
    throw new ChordialError('bad-request', `Upload-Metadata is longer than ${maxMetadataCharacters} characters.`);
  }
  const pairs = new Map(
    metadata.split(',').map((pair) => {
      const [key = '', value = ''] = pair.trim().split(' ', 2);
      return [key, value] as const;
    }),
  );
  const name = pairs.get('filename');
  if (name === undefined) {
    throw new ChordialError(
      'bad-request',
      'Upload-Metadata gives no filename. Send "filename" and the name in base64.',
    );
  }
  const mark = pairs.get('mark') ?? null;
  if (mark !== null && mark.length > maxMarkCharacters) {
    throw new ChordialError(
      'bad-request',
      `The mark of Upload-Metadata is longer than ${maxMarkCharacters} characters.`,
    );
  }
  const textOf = (key: string): string | undefined => {
    const value = pairs.get(key);
    return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8');
  };
  return {
    ...{ name: checkName(Buffer.from(name, 'base64').toString('utf8')), mark },
    sealed: textOf('sealed'),
    to: textOf('to'),
  };
}

function byteCount(request: FastifyRequest, header: string, maximum: number): number {
  const text = headerOf(request, header);
  const count = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= maximum) return count;
  throw new ChordialError(
    'bad-request',
    `${header} is ${JSON.stringify(text.slice(0, 32))}, not a number of bytes up to ${maximum}.`,
  );
}

function headerOf(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  if (typeof value === 'string') return value;
  throw new ChordialError('bad-request', `The header ${name} is missing.`);
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The route reads its body itself, at its own pace. */
    streamsBody?: boolean;
  }
}
