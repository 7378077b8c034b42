import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { type Namespace, Namespaces, sweep } from './namespaces.ts';

const sent = 400;
const sender = `
const socket = require('node:dgram').createSocket('udp4');
const [address] = process.argv.slice(1);
socket.bind(0, () => {
  let left = ${sent};
  const send = () => socket.send('x', 5353, address, () => (--left > 0 ? setImmediate(send) : socket.close()));
  send();
});`;
const receiver = `
const socket = require('node:dgram').createSocket('udp4');
let count = 0;
socket.on('message', () => count++);
socket.bind(5353, () => { socket.addMembership('224.0.0.251', process.argv[1]); console.log('listening'); });
process.stdin.resume().once('end', () => { console.log(count); process.exit(); });`;

/** Of 400 packets from one host to the address, those that arrive at the other. */
async function arrived(from: Namespace, to: Namespace, address: string, at = '10.1.0.3'): Promise<number> {
  const [program = '', ...rest] = [...to.enter, process.execPath, '-e', receiver, at];
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (piece: Buffer) => {
    said += String(piece);
  });
  await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  await from.exec([process.execPath, '-e', sender, address]);
  child.stdin.end();
  await once(child, 'close');
  return Number(said.split('\n')[1]);
}

test('the fixture: packets arrive, some of them where some are lost, none of multicast where that is blocked', async () => {
  await using net = await Namespaces.open();
  const cable = await net.switch('switch');
  const [one, two] = [await net.host('one'), await net.host('two')];
  await cable.plug(one, { address: '10.1.0.1/24', gateway: '10.1.0.2' });
  const second = await cable.plug(two, { address: '10.1.0.2/24' });
  assert.equal(await arrived(one, two, '10.1.0.2', '10.1.0.2'), sent);
  assert.equal(await arrived(one, two, '224.0.0.251', '10.1.0.2'), sent);
  await second.move({ address: '10.1.0.3/24' });
  assert.equal(await arrived(one, two, '10.1.0.3'), sent);
  await two.lose(0.5);
  const some = await arrived(one, two, '10.1.0.3');
  assert.ok(some > 0.3 * sent && some < 0.7 * sent, `${some} of ${sent}`);
  await two.blockMulticast();
  assert.equal(await arrived(one, two, '224.0.0.251'), 0);
  assert.notEqual(await arrived(one, two, '10.1.0.3'), 0);
});

test('the fixture: what a killed process leaves is removed with all that runs inside', async () => {
  const script = `
    const { Namespaces } = await import(${JSON.stringify(import.meta.resolve('./namespaces.ts'))});
    const { spawn } = await import('node:child_process');
    const net = await Namespaces.open();
    const host = await net.host('left');
    const [program, ...rest] = [...host.enter, 'sleep', '600'];
    spawn(program, rest, { detached: true, stdio: 'ignore' });
    console.log(host.name);`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [name] = (await once(owner.stdout, 'data')) as [Buffer];
  assert.deepEqual(await sweep(), [], 'its owner lives');
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  assert.deepEqual(await sweep(), [String(name).trim()]);
  assert.deepEqual(await sweep(), []);
});
