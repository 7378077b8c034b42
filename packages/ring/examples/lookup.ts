import { createHash } from 'node:crypto';
import { defaultOptions, type Found, RingHost, type RingId, ringIdOfHash } from '@chordial/ring';
import { contactOf, Process, seededRandom, VirtualNetwork, VirtualTime } from '@chordial/ring/testing';

const shape = { bits: 160, successors: 3 };
const time = new VirtualTime();
const random = seededRandom(1);
const network = new VirtualNetwork(time, random, { minDelay: 5, maxDelay: 50, loss: 0, duplication: 0 });
const idOf = (text: string): RingId => ringIdOfHash(createHash('sha256').update(text).digest('hex'), shape.bits);

function start(name: string): { host: RingHost; process: Process } {
  const process = new Process();
  const self = contactOf(name);
  const members = [0, 1, 2, 3].map((index) => ({ id: idOf(`${name} ${index}`), contact: self, index }));
  const ports = { clock: time.clock(process), random, network: network.port(self, process) };
  const host = new RingHost({ ...defaultOptions, self, members, shape, incarnation: time.wallTime }, ports);
  network.attach(host, process);
  return { host, process };
}

function lookup(by: RingHost, key: RingId): Found {
  let found: Found | null = null;
  by.lookup(key, (answer) => {
    found = answer;
  });
  time.runUntil(time.now + 5000);
  if (found === null) throw new Error('no owner within 5 s');
  return found;
}

const [ada, ben, cleo, dan] = [start('ada'), start('ben'), start('cleo'), start('dan')] as const;
ada.host.found();
for (const { host } of [ben, cleo, dan]) {
  host.join([ada.host.self], (failure) => console.log(`${host.self.host} joined: ${failure ?? 'ok'}`));
  time.runUntil(time.now + 5000);
}

const key = idOf('a song');
const before = lookup(ada.host, key);
console.log(`${before.owner.contact.host} owns the key, ${before.hops} hops`);

const owner = [ben, cleo, dan].find(({ host }) => host.self.host === before.owner.contact.host) ?? ben;
owner.process.end();
network.detach(owner.host.self.host);
time.runUntil(time.now + 10_000);
const after = lookup(ada.host, key);
console.log(`${owner.host.self.host} died; now ${after.owner.contact.host} owns the key`);
