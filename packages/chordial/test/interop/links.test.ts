import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';
import { BrowserFixture, desktop, phone } from '../browser/browser-fixture.ts';
import { NetworkFixture } from '../end-to-end/network-fixture.ts';
import type { PeerProcess } from '../end-to-end/peer-process.ts';
import { until } from '../fixtures/until.ts';

const run = promisify(execFile);

test('B13 a link outlives its sender, and opens in Chromium, Firefox and curl at the doors of others', async () => {
  await using network = await NetworkFixture.open();
  const { folder } = network;
  const [certificate, key] = [path.join(folder, 'c.pem'), path.join(folder, 'k.pem')];
  const names = ['-subj', '/CN=door', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await run('openssl', ['req', '-x509', ...kind, ...names, '-keyout', key, '-out', certificate]);
  const tls = ['--door', '127.0.0.1:0', '--tls-cert', certificate, '--tls-key', key, '--serve', 'links'];
  const first = await network.start({ flags: tls });
  const plain = await network.start({ join: first, flags: ['--door', '127.0.0.1:0', '--serve', 'links'] });
  const sender = await network.start({ join: first });
  await until('one ring of three', () => network.isIdeal([first, plain, sender]), 60_000);

  const photo = image(64, 48);
  await writeFile(path.join(folder, 'summer photo.png'), photo);
  await mkdir(path.join(folder, 'Fjord/inner'), { recursive: true });
  const texts = { 'Fjord/größe.txt': 'Größe 42', 'Fjord/inner/b.txt': 'b', 'Fjord/large.bin': 'x'.repeat(700_000) };
  for (const [name, text] of Object.entries(texts)) await writeFile(path.join(folder, name), text);
  const command = async (args: readonly string[], input = '') => {
    const { exit, text, stderr } = await network.command(args, sender, { input });
    assert.equal(exit, 0, stderr);
    return text.trim().split('\n')[0] ?? '';
  };
  await command(['put', 'summer photo.png', 'Fjord']);
  const url = await command(['link', 'summer photo.png', '--expires', '1d', '--qr-file', 'qr.png']);
  const folderUrl = await command(['link', 'Fjord']);
  const secretUrl = await command(['link', 'summer photo.png', '--password'], 'horse battery\n');
  const sealedUrl = await command(['link', 'summer photo.png', '--sealed']);
  assert.match(sealedUrl, /\/s\/[a-z2-7]{16}#[\w-]{22}$/);
  assert.match(url, /^https?:\/\/127\.0\.0\.1:\d+\/s\/[a-z2-7]{16}\/summer%20photo\.png$/);
  const scanned = await run('zbarimg', ['--quiet', '--raw', path.join(folder, 'qr.png')]);
  assert.equal(scanned.stdout.trim(), url);
  await sender.kill9();

  const [secure, open] = [await doorOf(first), await doorOf(plain)];
  assert.ok(secure.startsWith('https:') && open.startsWith('http:'));
  const at = new URL(url).pathname;
  const folderAt = new URL(folderUrl).pathname;

  await run('curl', ['--fail', '-sS', '--cacert', certificate, '-LO', secure + at], { cwd: folder });
  assert.deepEqual(await readFile(path.join(folder, 'summer%20photo.png')), photo);
  await run('curl', ['--fail', '-sS', '--http2', '--cacert', certificate, '-LO', `${secure}${folderAt}.zip`], {
    cwd: folder,
  });
  await run('unzip', ['-t', path.join(folder, 'Fjord.zip')]);
  // Without a locale unzip writes no name beyond ASCII.
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  await run('unzip', ['-q', path.join(folder, 'Fjord.zip'), '-d', path.join(folder, 'out')], { env });
  for (const [name, text] of Object.entries(texts))
    assert.equal(await readFile(path.join(folder, 'out', name), 'utf8'), text);

  const secretAt = open + new URL(secretUrl).pathname;
  const asking = (password: string) =>
    run('curl', ['--fail', '-sS', '-u', `:${password}`, '-o', 'secret.png', secretAt], { cwd: folder });
  await assert.rejects(asking('horse'), /403/);
  await asking('horse battery');
  assert.deepEqual(await readFile(path.join(folder, 'secret.png')), photo);
  const { pathname, hash } = new URL(sealedUrl);
  await run('curl', ['--fail', '-sS', '-k', '-o', 'sealed.age', secure + pathname], { cwd: folder });
  const sealed = await readFile(path.join(folder, 'sealed.age'));
  assert.ok(sealed.toString('latin1').startsWith('age-encryption.org/v1\n') && !sealed.includes(photo.subarray(0, 30)));

  await using chromium = await BrowserFixture.open();
  for (const view of [phone, desktop]) {
    const page = await chromium.page(secure + at, view);
    await page.getByRole('heading', { name: 'summer photo.png' }).waitFor();
    await page.waitForFunction(`document.querySelector('img').naturalWidth === 64`);
    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), 'summer photo.png');
    assert.equal(sha256(await readFile(await download.path())), sha256(photo));
  }

  const opened = await chromium.page(secure + pathname + hash, phone);
  await opened.getByRole('heading', { name: 'summer photo.png' }).waitFor();
  const decrypting = opened.waitForEvent('download');
  await opened.getByRole('button', { name: 'Download' }).click();
  assert.equal(sha256(await readFile(await (await decrypting).path())), sha256(photo));
  await opened.getByText('The file is complete and unchanged.').waitFor();

  await using firefox = await BrowserFixture.open('firefox');
  for (const [origin, view] of [
    [secure, phone],
    [open, desktop],
  ] as const) {
    const page = await firefox.page(origin + at, view);
    await page.getByRole('heading', { name: 'summer photo.png' }).waitFor();
    await page.waitForFunction(`document.querySelector('img').naturalWidth === 64`);
    assert.equal(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), true);
  }
  const visitor = await firefox.page(open + at);
  const saved = async (role: 'link' | 'button') => {
    const saving = visitor.waitForEvent('download');
    await visitor.getByRole(role, { name: 'Download' }).click();
    const download = await saving;
    // Firefox numbers what it has saved before.
    assert.match(download.suggestedFilename(), /^summer photo(\(1\))?\.png$/);
    assert.equal(sha256(await readFile(await download.path())), sha256(photo));
  };
  await saved('link');
  // By a worker, since this is this machine.
  await visitor.goto(open + pathname + hash);
  await visitor.getByRole('heading', { name: 'summer photo.png' }).waitFor();
  await saved('button');
  await visitor.getByText('The file is complete and unchanged.').waitFor();
  await visitor.goto(open + folderAt);
  assert.equal(await visitor.locator('.entries li').count(), 3);

  const again = await network.restart(sender, { join: first });
  await until('one ring of three', () => network.isIdeal([first, plain, again]), 60_000);
  const taken = await network.command(['unlink', url], again);
  assert.equal(taken.exit, 0, taken.stderr);
  const since = performance.now();
  await until('it is gone at both doors', async () => {
    const status = await Promise.all(
      [secure, open].map(async (origin) => {
        const { stdout } = await run('curl', ['-sS', '-k', '-o', '/dev/null', '-w', '%{http_code}', origin + at]);
        return stdout;
      }),
    );
    return status.every((one) => one === '404');
  });
  assert.ok(performance.now() - since < 5000);
  await visitor.goto(open + at);
  await visitor.getByText(/There is nothing here/).waitFor();
});

async function doorOf(peer: PeerProcess): Promise<string> {
  const { door } = await peer.json<{ door: { url: string } }>('/api/v1/node');
  return door.url;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A PNG of one colour. */
function image(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length, 0);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0], 8);
  const rows = Buffer.alloc((width + 1) * height);
  const start = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([start, chunk('IHDR', head), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))]);
}
