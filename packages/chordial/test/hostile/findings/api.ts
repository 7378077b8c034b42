/** API access without being the peer's user: another user of the machine, another machine, a program that took its port. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request } from 'node:http';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { PeerProcess } from '../../end-to-end/peer-process.ts';
import { type FindingAttack, otherUser, type Reached, type Scene } from '../finding.ts';

export const attacks: readonly FindingAttack[] = [
  {
    finding: 'C3',
    title: 'another user of the machine asks the API for files of the user of the peer',
    before: 'a 0600 file in a 0700 folder was put, shared and read; the secret of the network was printed',
    run: otherUserAsks,
  },
  {
    finding: 'M4',
    title: 'a caller elsewhere, with the token, shares a folder of the machine of the peer',
    before: 'transfers by path were refused, shares taken: a copy of /etc/shadow was read',
    run: sharedFromElsewhere,
  },
  {
    finding: 'M5',
    title: 'a page behind a proxy, and one that pretends to be',
    before:
      'the page of an https proxy got 403, so that people took Origin away and with it the protection; caches could keep all',
    run: behindProxy,
  },
  {
    finding: 'M9',
    title: 'a program that took the port of a killed peer waits for its token',
    before: 'the token went to every address that --api or the note of a dead peer named',
    run: takenPort,
  },
];

/** Responses of each route to the other user, as `METHOD ROUTE STATUS BODY` lines. */
async function otherUserAsks(scene: Scene): Promise<Reached> {
  const [peer] = await scene.ring(1);
  const home = path.join(scene.network.folder, 'private');
  await mkdir(home, { mode: 0o700 });
  const file = path.join(home, 'id_ed25519');
  await writeFile(file, 'the private key', { mode: 0o600 });
  await peer.request('/api/v1/files/known.txt', { method: 'PUT', body: 'known to members' });
  const asked: readonly (readonly [string, string, object?])[] = [
    ['POST', '/api/v1/transfers', { kind: 'put', name: 'x', path: file }],
    ['POST', '/api/v1/shares', { path: home }],
    ['POST', '/api/v1/invites', {}],
    ['POST', '/api/v1/session/links'],
    ['POST', '/api/v1/session', { token: 'x'.repeat(32) }],
    ['GET', '/api/v1/node'],
    ['GET', '/api/v1/files?all=true'],
    ['GET', '/api/v1/files/known.txt'],
    ['GET', '/api/v1/storage'],
    ['GET', '/api/v1/events'],
    ['GET', '/metrics'],
    ['GET', '/openapi.json'],
    ['GET', '/api/v1/none'],
  ];
  const child = spawn(process.execPath, ['--input-type=module', '-e', asking, peer.apiUrl, JSON.stringify(asked)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: '/',
    ...otherUser,
  });
  const answers = (await text(child.stdout)).trim().split('\n');
  const refused = answers.filter((line) => / 401 /.test(line));
  const learned = answers.filter(
    (line) => line.includes(peer.ready.id) || line.includes('known to') || line.includes('key"'),
  );
  const { files } = await peer.json<{ files: readonly unknown[] }>('/api/v1/files');
  const { shares } = await peer.json<{ shares: readonly unknown[] }>('/api/v1/shares');
  return {
    reached: `${refused.length} of ${asked.length} requests are answered 401, ${learned.length} tell something; ${files.length - 1} files more, ${shares.length} shares`,
    held: refused.length === asked.length && learned.length === 0 && files.length === 1 && shares.length === 0,
  };
}

const asking = `
const [api, asked] = process.argv.slice(1);
for (const [method, route, body] of JSON.parse(asked)) {
  const answer = await fetch(api + route, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  console.log([method, route, answer.status, (await answer.text()).slice(0, 2000)].join(' ').replaceAll('\\n', ' '));
}
`;

async function sharedFromElsewhere(scene: Scene): Promise<Reached> {
  const [peer] = await scene.ring(1, { api: '0.0.0.0:0' });
  const folder = path.join(scene.network.folder, 'private');
  await mkdir(folder);
  await writeFile(path.join(folder, 'shadow'), 'secret');
  const body = JSON.stringify({ path: folder });
  const elsewhere = [
    { 'X-Forwarded-For': '192.0.2.1' },
    { Forwarded: 'for=192.0.2.1' },
    { Via: '1.1 proxy' },
    { 'X-Real-IP': '192.0.2.1' },
  ];
  const statuses: number[] = [];
  for (const headers of elsewhere) {
    for (const method of ['POST', 'DELETE']) {
      const init = { method, body, headers: { ...headers, 'Content-Type': 'application/json' } };
      statuses.push((await near(peer, '/api/v1/shares', init)).status);
    }
  }
  const { shares } = JSON.parse((await near(peer, '/api/v1/shares', {})).body) as { shares: readonly unknown[] };
  return {
    reached: `${statuses.filter((status) => status === 403).length} of ${statuses.length} requests handed on by a proxy are answered 403; ${shares.length} shares`,
    held: statuses.every((status) => status === 403) && shares.length === 0,
  };
}

async function behindProxy(scene: Scene): Promise<Reached> {
  const origin = 'https://files.example.org';
  const [peer] = await scene.ring(1, { flags: ['--api-origin', origin] });
  await peer.request('/api/v1/files/a', { method: 'PUT', body: 'hello' });
  const ask = (headers: Record<string, string>) => near(peer, '/api/v1/files/a', { headers });
  const own = await ask({ Host: 'files.example.org', Origin: origin });
  const pretending = [
    await ask({ Host: 'files.example.org', Origin: 'https://evil.example.org' }),
    await ask({ Host: 'evil.example.org' }),
    await ask({ Host: 'files.example.org', Origin: 'null' }),
    await ask({ Host: 'files.example.org', Authorization: '' }),
  ];
  const kept = /private|no-store/.test(own.cache) ? 'no shared cache may keep it' : `caches are told ${own.cache}`;
  return {
    reached: `its own page is answered ${own.status}, ${kept}; others ${pretending.map(({ status }) => status).join(' ')}`,
    held:
      own.status === 200 && kept.startsWith('no') && pretending.every(({ status }) => status === 403 || status === 401),
  };
}

async function takenPort(scene: Scene): Promise<Reached> {
  const [other] = await scene.ring(1);
  // Outside the watched ring, since the attacker answers at its address afterwards.
  const peer = await scene.network.start({ join: other });
  await peer.kill9();
  const seen: (string | undefined)[] = [];
  // It forwards requests to the running peer.
  const impostor = createServer((asked, response) => {
    seen.push(asked.headers.authorization);
    request(`${other.apiUrl}${asked.url}`, { method: asked.method ?? 'GET' }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    }).end();
  });
  const { hostname, port } = new URL(peer.apiUrl);
  await once(impostor.listen(Number(port), hostname), 'listening');
  scene.ends.defer(() => void impostor.close());
  const byAddress = await scene.network.command(['peers'], peer);
  const byFolder = await scene.network.command(['peers', '--data', peer.dataFolder]);
  const tokens = seen.filter((one) => one !== undefined);
  return {
    reached: `${tokens.length} tokens in ${seen.length} requests; the commands end with ${byAddress.exit} and ${byFolder.exit}`,
    held: tokens.length === 0 && seen.length > 0 && byAddress.exit === 1 && byFolder.exit === 1,
  };
}

interface Near {
  readonly status: number;
  readonly cache: string;
  readonly body: string;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** With the token, and with headers that fetch does not allow. */
async function near(peer: PeerProcess, route: string, { method = 'GET', headers = {}, body }: Asked): Promise<Near> {
  const length = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
  const url = peer.apiUrl.replace('0.0.0.0', '127.0.0.1') + route;
  const sent = request(url, {
    method,
    agent: false,
    headers: { Authorization: `Bearer ${peer.token}`, ...length, ...headers },
  });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return {
    status: answer.statusCode ?? 0,
    cache: answer.headers['cache-control'] ?? '',
    body: await text(answer),
  };
}
