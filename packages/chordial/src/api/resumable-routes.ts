/** Resumable uploads by tus 1.0 with creation and termination (https://tus.io/protocols/resumable-upload). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { checkName } from '../content/name.ts';
import { ChordialError } from '../errors.ts';
import type { Upload } from '../transfer/uploads.ts';
import type { ApiContext } from './context.ts';
import { bodyOf } from './request-body.ts';

const version = '1.0.0';
const maxUploadBytes = 2 ** 50;
/** A file name of 255 bytes in base64, and room for other clients' metadata. */
const maxMetadataCharacters = 4096;
const piecesType = 'application/offset+octet-stream';

interface UploadRoute {
  Params: { id: string };
}

const spoken = { 'Tus-Resumable': `Required: ${version}` };

const parameters = {
  type: 'object',
  properties: { id: { type: 'string', pattern: '^[0-9a-f-]{36}$' } },
  required: ['id'],
} as const;

/** Needs its own scope: bodies are not parsed here, whatever their type. */
export function resumableRoutes(scope: FastifyInstance, { peer }: ApiContext): void {
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

  scope.options(
    '/api/v1/uploads',
    { schema: { summary: 'Supported tus version and extensions' } },
    async (_request, reply) =>
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
      'Upload-Metadata': 'Required: "filename" and the name in base64',
    },
    empty: [201],
  };
  scope.post('/api/v1/uploads', { schema: create }, async (request, reply) => {
    const name = fileNameOf(headerOf(request, 'upload-metadata'));
    const upload = await peer().uploads.create(name, byteCount(request, 'upload-length', maxUploadBytes));
    return told(reply.code(201).header('Location', `/api/v1/uploads/${upload.id}`), upload, 0).send();
  });

  const head = {
    summary: 'Bytes of an upload received so far: Upload-Offset',
    params: parameters,
    reads: spoken,
    empty: [200],
  };
  scope.head<UploadRoute>('/api/v1/uploads/:id', { schema: head }, async ({ params }, reply) => {
    const { uploads } = peer();
    const upload = uploads.get(params.id);
    return told(reply.code(200).header('Upload-Length', String(upload.size)), upload, uploads.offset(upload)).send();
  });

  const patch = {
    summary: 'Sends the next bytes; answered after the last ones when the file is in the network',
    params: parameters,
    reads: { ...spoken, 'Upload-Offset': 'Required: where these bytes begin' },
    consumes: [piecesType],
  };
  scope.patch<UploadRoute>('/api/v1/uploads/:id', { schema: patch }, async (request, reply) => {
    if (request.headers['content-type'] !== piecesType) {
      throw new ChordialError('unsupported-type', `The bytes of an upload have the type ${piecesType}.`);
    }
    const offset = byteCount(request, 'upload-offset', maxUploadBytes);
    const { uploads } = peer();
    const given = new AbortController();
    reply.raw.once('close', () => given.abort());
    const upload = await uploads.append(request.params.id, offset, bodyOf(request.raw), given.signal);
    return told(reply.code(204), upload, uploads.offset(upload)).send();
  });

  const remove = { summary: 'Ends an upload and frees its bytes', params: parameters, reads: spoken };
  scope.delete<UploadRoute>('/api/v1/uploads/:id', { schema: remove }, async ({ params }, reply) => {
    await peer().uploads.remove(params.id);
    return reply.code(204).send();
  });
}

function told(reply: FastifyReply, { result }: Upload, offset: number): FastifyReply {
  if (result !== null) reply.header('ETag', `"${result.cid}"`).header('Chordial-Copies', String(result.copies));
  return reply.header('Upload-Offset', String(offset));
}

/** Pairs of key and base64, separated by commas. */
function fileNameOf(metadata: string): string {
  if (metadata.length > maxMetadataCharacters) {
    throw new ChordialError('bad-request', `Upload-Metadata is longer than ${maxMetadataCharacters} characters.`);
  }
  for (const pair of metadata.split(',')) {
    const [key, value = ''] = pair.trim().split(' ', 2);
    if (key === 'filename') return checkName(Buffer.from(value, 'base64').toString('utf8'));
  }
  throw new ChordialError('bad-request', 'Upload-Metadata gives no filename. Send "filename" and the name in base64.');
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
