/** The suites of `npm run interop`: programs of others, and networks as they are outside of one machine. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Stage } from '../stages.ts';

/** A Debian package that a suite uses, and one of its files. */
interface Package {
  readonly name: string;
  /** A program, looked for where programs are; else an absolute path. */
  readonly file: string;
}

export interface Suite {
  readonly what: string;
  readonly packages: readonly Package[];
  /** Of npm, in the package.json beside this file. */
  readonly modules?: readonly string[];
}

const ip: Package = { name: 'iproute2', file: 'ip' };
const nft: Package = { name: 'nftables', file: 'nft' };

export const suites: Readonly<Record<string, Suite>> = {
  dav: {
    what: 'the drive, used by file managers and programs of others',
    packages: [
      { name: 'cadaver', file: 'cadaver' },
      { name: 'davfs2', file: 'mount.davfs' },
      { name: 'dbus', file: 'dbus-run-session' },
      { name: 'git', file: 'git' },
      { name: 'gvfs-backends', file: '/usr/libexec/gvfsd-dav' },
      { name: 'gvfs-daemons', file: '/usr/libexec/gvfsd' },
      { name: 'libglib2.0-bin', file: 'gio' },
      { name: 'litmus', file: 'litmus' },
      { name: 'rclone', file: 'rclone' },
    ],
  },
  ipfs: {
    what: 'clients of IPFS at the door of a peer, from npm: Helia, verified-fetch, ipfs-car',
    packages: [
      { name: 'chromium', file: 'chromium' },
      { name: 'curl', file: 'curl' },
    ],
  },
  lan: {
    what: 'peers on one network: what they say there, addresses that come and go',
    packages: [
      { name: 'dbus', file: 'dbus-daemon' },
      { name: 'avahi-daemon', file: 'avahi-daemon' },
      { name: 'avahi-utils', file: 'avahi-browse' },
      { name: 'python3-zeroconf', file: '/usr/lib/python3/dist-packages/zeroconf' },
    ],
  },
  links: {
    what: 'links at the doors of members, opened by browsers and programs of others',
    packages: [
      { name: 'age', file: 'age' },
      { name: 'chromium', file: 'chromium' },
      { name: 'curl', file: 'curl' },
      { name: 'firefox-esr', file: 'firefox-esr' },
      { name: 'openssl', file: 'openssl' },
      { name: 'unzip', file: 'unzip' },
      { name: 'zbar-tools', file: 'zbarimg' },
    ],
  },
  nat: {
    what: 'peers behind routers that translate addresses',
    packages: [
      { name: 'miniupnpd', file: 'miniupnpd' },
      { name: 'miniupnpc', file: 'upnpc' },
      { name: 'natpmpc', file: 'natpmpc' },
    ],
  },
  page: {
    what: 'the page of a peer in Firefox',
    packages: [{ name: 'firefox-esr', file: 'firefox-esr' }],
  },
  s3: {
    what: 'peers with their blocks in object stores: s3rver and swift',
    packages: [
      { name: 'swift-account', file: 'swift-account-server' },
      { name: 'swift-container', file: 'swift-container-server' },
      { name: 'swift-object', file: 'swift-object-server' },
      { name: 'swift-proxy', file: 'swift-proxy-server' },
    ],
    modules: ['@20minutes/s3rver'],
  },
};

/** One file at a time: each measures how soon peers are reached. */
export function stageOf(name: string): Stage {
  return {
    name,
    files: [`packages/chordial/test/interop/${name}*.test.ts`],
    concurrency: 1,
    timeoutMilliseconds: 600_000,
  };
}

/** What the fixture itself takes. */
const fixturePackages: readonly Package[] = [ip, nft];

/** Packages of these suites, or of the fixture alone, that are not installed, sorted. */
export function missingPackages(names: readonly string[], isThere = isInstalled): readonly string[] {
  const needed = [...fixturePackages, ...names.flatMap((name) => suites[name]?.packages ?? [])];
  return [...new Set(needed.filter(({ file }) => !isThere(file)).map(({ name }) => name))].sort();
}

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

function isInstalled(file: string): boolean {
  if (path.isAbsolute(file)) return existsSync(file);
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), ...programFolders];
  return folders.some((folder) => existsSync(path.join(folder, file)));
}

/** What keeps these suites from running, with its remedy; null when nothing does. */
export function obstacle(names: readonly string[], machine: Machine = thisMachine()): string | null {
  if (machine.platform !== 'linux') return 'network namespaces are a part of Linux: run it there, as root';
  if (!machine.isRoot) return 'network namespaces take root: run it as root';
  const missing = missingPackages(names, machine.isInstalled);
  const modules = names.flatMap((name) => suites[name]?.modules ?? []).filter((name) => !machine.isModuleThere(name));
  if (missing.length === 0 && modules.length > 0)
    return `missing: ${modules.join(', ')}; install it with: npm ci --prefix packages/chordial/test/interop`;
  if (missing.length === 0) return null;
  return `missing: ${missing.join(', ')}; install them with: apt-get install --yes --no-install-recommends ${missing.join(' ')}`;
}

export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly isRoot: boolean;
  readonly isInstalled: (file: string) => boolean;
  readonly isModuleThere: (name: string) => boolean;
}

function thisMachine(): Machine {
  const isModuleThere = (name: string): boolean => existsSync(path.join(import.meta.dirname, 'node_modules', name));
  return { platform: process.platform, isRoot: process.getuid?.() === 0, isInstalled, isModuleThere };
}
