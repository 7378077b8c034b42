/** Supply chain: floating versions, and install scripts. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from '../../end-to-end/command.ts';
import { unpinned } from '../../repository/packages.ts';
import { product } from '../../results.ts';
import type { FindingAttack, Reached, Scene } from '../finding.ts';

/** Tested in test/end-to-end/package.test.ts. */
export const attacks: readonly FindingAttack[] = [
  {
    finding: 'H7',
    title: 'versions of parts, or the Node beside them, that were never tested',
    before: '76 shipped packages floated, and an install script fetched a Node without an integrity',
    run: partsOfThePackage,
  },
];

async function partsOfThePackage({ network: { folder } }: Scene): Promise<Reached> {
  const packed = path.join(folder, 'packed');
  await mkdir(packed);
  const { exit, stderr } = await runCommand(['npm', 'pack', '--pack-destination', packed], {
    folder: product,
    deadlineMilliseconds: 240_000,
  });
  if (exit !== 0) throw new Error(`npm pack: ${stderr}`);
  const { version } = JSON.parse(await readFile(path.join(product, 'package.json'), 'utf8')) as { version: string };
  const unpacked = await runCommand(['tar', '-xzf', `chordial-${version}.tgz`], { folder: packed });
  if (unpacked.exit !== 0) throw new Error(unpacked.stderr);
  const lock = await readFile(path.join(packed, 'package/npm-shrinkwrap.json'), 'utf8');
  const parts = Object.keys((JSON.parse(lock) as { packages: object }).packages).length - 1;
  const loose = unpinned(lock);
  // npm refuses a package whose contents differ from the lock file, whatever its source.
  const place = path.join(folder, 'place');
  await mkdir(place);
  const manifest = JSON.parse(await readFile(path.join(packed, 'package/package.json'), 'utf8')) as object;
  await writeFile(path.join(place, 'package.json'), JSON.stringify({ ...manifest, devDependencies: undefined }));
  const [name, integrity] = /"node_modules\/(commander)": \{[^}]*"integrity": "([^"]+)"/.exec(lock)?.slice(1) ?? [];
  const wrong = lock.replace(integrity ?? '', `sha512-${Buffer.alloc(64, 7).toString('base64')}`);
  await writeFile(path.join(place, 'npm-shrinkwrap.json'), wrong);
  const install = ['npm', 'ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
  const refused = await runCommand(install, { folder: place, deadlineMilliseconds: 240_000 });
  const isRefused = refused.exit !== 0 && /EINTEGRITY|ENOTCACHED/.test(refused.stderr);
  return {
    reached: `${loose.length} of ${parts} parts float or run a program; another ${name} than the locked one is ${isRefused ? 'refused' : 'INSTALLED'}`,
    held: loose.length === 0 && isRefused,
  };
}
