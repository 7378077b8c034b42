/**
 * Uploads to this peer by tus 1.0 (https://tus.io/protocols/resumable-upload): one that was interrupted, by a closed
 * page or a restarted peer, resumes when the same file is chosen again.
 */
import { useRef, useState } from 'preact/hooks';
import * as tus from 'tus-js-client';

export interface Upload {
  readonly id: number;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly sent: number;
  /** Bytes per second. */
  readonly speed: number;
  /** `storing`: the peer has all bytes and puts them into the network. */
  readonly state: 'sending' | 'storing' | 'paused' | 'failed' | 'done';
  readonly problem: string | null;
  readonly copies: number | null;
}

interface Uploads {
  readonly uploads: readonly Upload[];
  readonly add: (files: readonly File[]) => void;
  readonly pause: (id: number) => void;
  readonly resume: (id: number) => void;
  readonly remove: (id: number) => void;
}

const retryDelaysMilliseconds = [500, 1000, 3000, 5000, 10_000, 20_000];
/** At most one chunk is sent again after an interruption. */
const pieceBytes = 64 * 1024 * 1024;

export function useUploads(done: () => void): Uploads {
  const [uploads, setUploads] = useState<readonly Upload[]>([]);
  const running = useRef(new Map<number, tus.Upload>());
  const count = useRef(0);

  const change = (id: number, changes: Partial<Upload>): void =>
    setUploads((all) => all.map((one) => (one.id === id ? { ...one, ...changes } : one)));

  const begin = async (id: number, file: File): Promise<void> => {
    let copies: number | null = null;
    let mark = { time: Date.now(), sent: 0 };
    const upload = new tus.Upload(file, {
      endpoint: '/api/v1/uploads',
      metadata: { filename: file.name },
      chunkSize: pieceBytes,
      retryDelays: retryDelaysMilliseconds,
      removeFingerprintOnSuccess: true,
      onProgress: (sent, size) => {
        const seconds = (Date.now() - mark.time) / 1000;
        const speed = seconds > 0.5 ? (sent - mark.sent) / seconds : null;
        if (seconds > 2) mark = { time: Date.now(), sent };
        change(id, { sent, state: sent === size ? 'storing' : 'sending', ...(speed === null ? {} : { speed }) });
      },
      onAfterResponse: (_request, response) => {
        const given = response.getHeader('Chordial-Copies');
        if (given !== undefined && given !== null) copies = Number(given);
      },
      onSuccess: () => {
        running.current.delete(id);
        change(id, { state: 'done', sent: file.size, copies });
        done();
      },
      onError: (error) => change(id, { state: 'failed', problem: plainWords(error) }),
    });
    running.current.set(id, upload);
    const [previous] = await upload.findPreviousUploads();
    if (previous !== undefined) upload.resumeFromPreviousUpload(previous);
    upload.start();
  };

  return {
    uploads,
    add: (files) => {
      for (const file of files) {
        count.current += 1;
        const id = count.current;
        const { name, size } = file;
        setUploads((all) => [
          ...all,
          { id, name, size, sent: 0, speed: 0, state: 'sending', problem: null, copies: null },
        ]);
        void begin(id, file);
      }
    },
    pause: (id) => {
      void running.current.get(id)?.abort();
      change(id, { state: 'paused' });
    },
    resume: (id) => {
      running.current.get(id)?.start();
      change(id, { state: 'sending', problem: null });
    },
    remove: (id) => {
      void running.current
        .get(id)
        ?.abort(true)
        .catch(() => undefined);
      running.current.delete(id);
      setUploads((all) => all.filter((one) => one.id !== id));
    },
  };
}

/** The peer's problem document is more useful than the library's message, which is for developers. */
function plainWords(error: Error | tus.DetailedError): string {
  const body = 'originalResponse' in error ? error.originalResponse?.getBody() : undefined;
  if (body !== undefined) {
    try {
      return (JSON.parse(body) as { detail?: string }).detail ?? error.message;
    } catch {
      return error.message;
    }
  }
  return 'The peer does not answer. Resume when it runs again.';
}
