/** How many bytes went over sockets, TLS and frames included, open ones and closed ones together. */
import type { Socket } from 'node:net';

export class Traffic {
  readonly #open = new Set<Socket>();
  #received = 0;
  #sent = 0;

  watch(socket: Socket): void {
    this.#open.add(socket);
    socket.once('close', () => {
      if (!this.#open.delete(socket)) return;
      this.#received += socket.bytesRead;
      this.#sent += socket.bytesWritten ?? 0;
    });
  }

  read(): { readonly received: number; readonly sent: number } {
    let [received, sent] = [this.#received, this.#sent];
    for (const socket of this.#open) {
      received += socket.bytesRead;
      sent += socket.bytesWritten ?? 0;
    }
    return { received, sent };
  }
}
