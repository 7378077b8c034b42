/** The checks of `chordial doctor` that need no running peer: each is a function that returns a finding in plain words. */
import { constants } from 'node:fs';
import { access, open, rm, stat, statfs } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';
import { type Address, formatAddress, interfaceAddresses, isLoopback, isUnspecified } from '../network/addresses.ts';
import { zoneOfName } from '../network/zones.ts';
import { settings, settingVariable } from '../peer/settings.ts';
import type { Finding } from '../peer/shown-health.ts';
import { formatFile } from '../storage/data-folder.ts';
import { readSmallFile } from '../storage/small-file.ts';
import { errnoOf } from '../storage/system-error.ts';
import { formatBytes } from '../transfer/format-bytes.ts';

/** Below this a peer refuses puts soon. */
const littleBytes = 1024 ** 3;
const maxFormatBytes = 4096;
const slowSyncMilliseconds = 100;
const aheadMilliseconds = 60_000;
const connectMilliseconds = 3000;

/** The deepest existing folder of the path. */
async function existing(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  return isThere || path.dirname(folder) === folder ? folder : existing(path.dirname(folder));
}

export async function dataFolder(folder: string): Promise<Finding> {
  const check = 'data folder';
  const there = await existing(folder);
  try {
    await access(there, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    const remedy = 'Give it to this user (chown, chmod 700), or choose another with --data.';
    return { check, level: 'bad', text: `this user may not read and write ${there}. ${remedy}` };
  }
  if (there !== folder) return { check, level: 'good', text: `${folder} will be created at the first start` };
  let format: string;
  try {
    format = (await readSmallFile(path.join(folder, formatFile), maxFormatBytes)).toString();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return { check, level: 'good', text: `${folder} exists and is not used yet` };
    const place = path.join(folder, formatFile);
    return {
      check,
      level: 'bad',
      text: `${place} cannot be read: ${(error as Error).message}. Choose another with --data.`,
    };
  }
  const { mode } = await stat(folder);
  if ((mode & 0o077) === 0)
    return { check, level: 'good', text: `${folder} (${format.trim()}), closed to other users` };
  return { check, level: 'note', text: `other users may read ${folder}. A start closes it, or do chmod 700.` };
}

/** `quotaBytes`: null when not given. */
export async function disk(folder: string, quotaBytes: number | null): Promise<Finding> {
  const check = 'disk';
  const there = await existing(folder);
  const { bavail, bsize } = await statfs(there);
  const free = bavail * bsize;
  const remedy = 'Free some space, or set a smaller --quota.';
  if (free < littleBytes)
    return { check, level: 'bad', text: `only ${formatBytes(free)} are free at ${there}. ${remedy}` };
  if (quotaBytes !== null && quotaBytes > free) {
    const text = `the quota of ${formatBytes(quotaBytes)} is more than the ${formatBytes(free)} that are free at ${there}. ${remedy}`;
    return { check, level: 'note', text };
  }
  const milliseconds = await syncMilliseconds(there).catch(() => null);
  if (milliseconds === null)
    return { check, level: 'bad', text: `nothing can be written to ${there}. Fix that first.` };
  const pace = `a write is durable after ${milliseconds.toFixed(1)} ms`;
  if (milliseconds < slowSyncMilliseconds) return { check, level: 'good', text: `${formatBytes(free)} free, ${pace}` };
  return { check, level: 'note', text: `${pace}: puts to this disk will be slow. A local SSD does it in a few ms.` };
}

async function syncMilliseconds(folder: string): Promise<number> {
  const file = path.join(folder, `.chordial-doctor-${process.pid}`);
  const handle = await open(file, 'wx');
  try {
    await handle.write(Buffer.alloc(4096));
    const begun = performance.now();
    await handle.sync();
    return performance.now() - begun;
  } finally {
    await handle.close();
    await rm(file);
  }
}

/** The running peer's comparison of its clock with those of others. */
export interface ComparedClock {
  readonly peers: number;
  readonly note: string | null;
}

/** Records expire by the clock; one that is far off makes own files vanish or other files stay. */
export async function clock(folder: string, now: number, compared: ComparedClock | null): Promise<Finding> {
  const check = 'clock';
  if (compared !== null && compared.note !== null) return { check, level: 'bad', text: compared.note };
  const remedy = 'Set the clock, best by NTP (timedatectl set-ntp true).';
  const newest = await stat(path.join(folder, 'catalog.sqlite')).catch(() => null);
  if (newest !== null && newest.mtimeMs > now + aheadMilliseconds) {
    const text = `it is ${new Date(now).toISOString()}, earlier than the last write to the data folder (${newest.mtime.toISOString()}). ${remedy}`;
    return { check, level: 'bad', text };
  }
  const isSynchronised = await stat('/run/systemd/timesync/synchronized').then(
    () => true,
    () => false,
  );
  const agreed =
    compared === null
      ? ''
      : `, and agrees with ${compared.peers === 1 ? 'that of the peer' : `those of ${compared.peers} peers`} asked`;
  const shown = `it is ${new Date(now).toISOString()}${agreed}`;
  if (isSynchronised) return { check, level: 'good', text: `${shown}, synchronised by the system` };
  if (agreed !== '') return { check, level: 'good', text: shown };
  return { check, level: 'good', text: `${shown}; whether it is synchronised cannot be determined` };
}

/** Whether a program may listen there. */
export async function port(check: string, flag: string, { host, port: number }: Address): Promise<Finding> {
  const place = formatAddress({ host, port: number });
  const code = await new Promise<string | null>((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port: number }, () => server.close(() => resolve(null)));
  });
  if (code === null) return { check, level: 'good', text: `${place} is free` };
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program has it',
    EACCES: 'ports below 1024 need privileges',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  return { check, level: 'bad', text: `${place}: ${reasons[code] ?? code}. Choose another with ${flag} HOST:PORT.` };
}

/** The address that other machines would be told to dial. */
export function reachable(listen: Address, advertise: string | null): Finding {
  const check = 'own address';
  if (advertise !== null) return { check, level: 'good', text: `others are told ${advertise}` };
  if (isLoopback(listen.host)) {
    return {
      check,
      level: 'note',
      text: `only peers of this machine reach ${listen.host}. Others need --listen 0.0.0.0:PORT.`,
    };
  }
  if (!isUnspecified(listen.host)) return { check, level: 'good', text: `others are told ${listen.host}` };
  const outside = interfaceAddresses().filter((address) => !isLoopback(address));
  if (outside.length > 0) return { check, level: 'good', text: `others are told ${outside.join(', ')}` };
  return { check, level: 'note', text: 'this machine has no address beyond loopback. Connect it, or set --advertise.' };
}

/** Whether something answers at a peer's address. */
export async function peer(address: Address, shown: string): Promise<Finding> {
  const check = `peer ${shown}`;
  const begun = performance.now();
  const reason = await new Promise<string | null>((resolve) => {
    const socket = connect({ host: address.host, port: address.port, timeout: connectMilliseconds });
    const end = (told: string | null): void => {
      socket.destroy();
      resolve(told);
    };
    socket.once('connect', () => end(null));
    socket.once('timeout', () => end(`no answer within ${connectMilliseconds / 1000} s: a firewall, or it is off`));
    socket.once('error', (error: NodeJS.ErrnoException) => end(refusal(error)));
  });
  if (reason === null) {
    return { check, level: 'good', text: `answers after ${(performance.now() - begun).toFixed(0)} ms` };
  }
  return { check, level: 'bad', text: `${reason}. Check whether it is running and its port is open.` };
}

function refusal({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ECONNREFUSED') return 'the machine is there, but nothing listens at this port';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'there is no machine of this name';
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'there is no way to this machine';
  return message;
}

/** Variables that look like settings but are not; some systems set such ones by themselves. */
export function environment(variables: Readonly<Record<string, string | undefined>>): readonly Finding[] {
  const known = new Set([...settings.map(({ key }) => settingVariable(key)), 'CHORDIAL_CONFIG', 'CHORDIAL_API_TOKEN']);
  return Object.keys(variables)
    .filter((name) => name.startsWith('CHORDIAL_') && !known.has(name))
    .map((name) => ({ check: 'environment', level: 'note', text: `${name} is not a setting and has no effect` }));
}

/** Zones are compared in one spelling. */
export function zoneSpelling(given: string): readonly Finding[] {
  const zone = zoneOfName(given);
  if (zone === null || zone === given) return [];
  const text = `${given} is the zone ${zone}: upper and lower case make no difference`;
  return [{ check: 'zone', level: 'note', text }];
}
