/** A question in one datagram to the gateway, repeated until it answers. */
import { createSocket } from 'node:dgram';

/** Waits between the repetitions; after the last there is no answer. */
const waits = [250, 500, 1000] as const;
/** Datagrams of the gateway that answer something else; after so many it is given up. */
const maxStrayDatagrams = 64;

export interface GatewayQuestion<Answer> {
  readonly address: string;
  readonly port: number;
  readonly message: Buffer;
  /** Null for a datagram that is no answer to this question. */
  readonly decode: (datagram: Buffer) => Answer | null;
}

/** Null without an answer. A connected socket receives from the gateway alone. */
export function askGateway<Answer>(question: GatewayQuestion<Answer>, signal: AbortSignal): Promise<Answer | null> {
  const { address, port, message, decode } = question;
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    let timer: NodeJS.Timeout | undefined;
    let sent = 0;
    let stray = 0;
    let isOver = false;
    const end = (answer: Answer | null): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      socket.close();
      resolve(answer);
    };
    const stop = (): void => end(null);
    const send = (): void => {
      const wait = waits[sent];
      if (wait === undefined) {
        end(null);
        return;
      }
      sent += 1;
      socket.send(message);
      timer = setTimeout(send, wait);
    };
    // Also when the gateway says that nothing listens there.
    socket.on('error', stop);
    socket.on('message', (datagram) => {
      const answer = decode(datagram);
      if (answer !== null) return end(answer);
      stray += 1;
      if (stray >= maxStrayDatagrams) end(null);
    });
    if (signal.aborted) return end(null);
    signal.addEventListener('abort', stop);
    // Node tells a failure, such as no route to there, to this callback alone.
    const connected = (error?: Error): void => {
      if (error instanceof Error) stop();
      else if (!isOver) send();
    };
    socket.connect(port, address, connected);
  });
}
