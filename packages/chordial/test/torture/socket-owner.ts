/** Finds the process at the other end of a local TCP connection, so that a proxy knows its caller. */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The process among these with a socket on this local port; null if none. IPv4 loopback only. */
export async function ownerOfPort(port: number, pids: readonly number[]): Promise<number | null> {
  return process.platform === 'linux' ? ownerByProc(port, pids) : ownerByLsof(port, pids);
}

async function ownerByProc(port: number, pids: readonly number[]): Promise<number | null> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const line = (await readFile('/proc/net/tcp', 'utf8')).split('\n').find((one) => one.includes(`: ${local} `));
  const inode = line?.trim().split(/\s+/)[9];
  if (inode === undefined || inode === '0') return null;
  for (const pid of pids) {
    if (await holds(pid, `socket:[${inode}]`)) return pid;
  }
  return null;
}

async function holds(pid: number, socket: string): Promise<boolean> {
  try {
    const folder = `/proc/${pid}/fd`;
    const links = await Promise.all((await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')));
    return links.includes(socket);
  } catch (error) {
    // It has ended.
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function ownerByLsof(port: number, pids: readonly number[]): Promise<number | null> {
  // Both ends match the port; lsof exits with 1 if there is none.
  const found = await promisify(execFile)('lsof', ['-nP', '-Fpn', `-iTCP@127.0.0.1:${port}`]).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }),
  );
  let pid: number | null = null;
  for (const line of found.stdout.split('\n')) {
    if (line.startsWith('p')) pid = Number(line.slice(1));
    if (line.startsWith(`n127.0.0.1:${port}->`) && pid !== null && pids.includes(pid)) return pid;
  }
  return null;
}
