/** Ports that stay free while their peer is down: below the ephemeral range. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The ephemeral range starts at 32768 on Linux, at 49152 on other systems. */
const firstPort = 10_240;
const lastPort = 32_000;
const maxTries = 200;

let next = firstPort + ((process.pid * 97) % (lastPort - firstPort));

export async function portOutsideEphemeral(): Promise<number> {
  for (let tries = 0; tries < maxTries; tries++) {
    next = next >= lastPort ? firstPort : next + 1;
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(next, '127.0.0.1', () => resolve(true));
    });
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return next;
  }
  throw new Error(`no free port in ${maxTries} tries below ${next}`);
}
