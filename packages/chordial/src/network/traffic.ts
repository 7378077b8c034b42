/** Bytes over sockets, including TLS and framing, of open and closed ones; and request counts. */
import type { Socket } from 'node:net';

/** Since the start. */
export interface TrafficCounts {
  /** Bytes. */
  readonly received: number;
  readonly sent: number;
  /** Heartbeats sent to other peers. */
  readonly pings: number;
  /** Requests and streams opened to other peers. */
  readonly questions: number;
}

export class Traffic {
  readonly #open = new Set<Socket>();
  #received = 0;
  #sent = 0;
  #pings = 0;
  #questions = 0;

  watch(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      if (!this.#open.delete(socket)) return;
      this.#received += socket.bytesRead;
      this.#sent += socket.bytesWritten ?? 0;
    });
  }

  countPing(): void {
    this.#pings += 1;
  }

  countQuestion(): void {
    this.#questions += 1;
  }

  read(): TrafficCounts {
    let [received, sent] = [this.#received, this.#sent];
    for (const socket of this.#open) {
      received += socket.bytesRead;
      sent += socket.bytesWritten ?? 0;
    }
    return { received, sent, pings: this.#pings, questions: this.#questions };
  }
}
