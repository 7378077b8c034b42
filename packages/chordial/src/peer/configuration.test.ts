import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { ChordialError } from '../errors.ts';
import { defaultDataFolder, isOnLan, mapsNoPort, parseConfiguration } from './configuration.ts';
import { formatDuration, parseDuration, parseSize } from './quantities.ts';
import type { ConfigurationText } from './settings.ts';
import { parseSettings } from './settings-file.ts';

test('A1 start without flags has the defaults of the specification', () => {
  const configuration = parseConfiguration({});
  assert.deepEqual(configuration.listen, { host: '0.0.0.0', port: 4848 });
  assert.deepEqual(configuration.api, { host: '127.0.0.1', port: 8081 });
  assert.deepEqual(configuration.join, []);
  assert.equal(configuration.data, defaultDataFolder());
  assert.equal('replicas' in configuration, false);
});

test('A21 the address of the API may be written as the URL that other commands take', () => {
  const { api } = parseConfiguration({ api: 'http://127.0.0.1:6001/' });
  assert.deepEqual(api, { host: '127.0.0.1', port: 6001 });
  assert.throws(() => parseConfiguration({ api: 'https://127.0.0.1:6001' }), /HOST:PORT/);
});

test('A21 every flag arrives parsed', () => {
  const configuration = parseConfiguration({
    listen: '127.0.0.1:0',
    api: '[::1]:0',
    data: 'there',
    join: ['127.0.0.1:5001', 'peer.example.org:4848'],
    replicas: '3',
    writeQuorum: '2',
    ping: '500',
    virtualNodes: '1',
    successors: '3',
    bits: '8',
    id: '255',
    advertise: '192.0.2.7:4848',
    quota: '10G',
    grace: '1m',
    repairRate: '50M',
    limitLan: 'yes',
    keepOwn: 'no',
    save: 'downloads',
    share: ['music'],
    name: 'anna@laptop',
    open: true,
    zone: ' Rack-2 ',
  });
  assert.deepEqual(configuration, {
    listen: { host: '127.0.0.1', port: 0 },
    api: { host: '::1', port: 0 },
    data: path.resolve('there'),
    join: ['127.0.0.1:5001', 'peer.example.org:4848'],
    replicas: 3,
    writeQuorum: 2,
    pingMilliseconds: 500,
    virtualNodes: 1,
    successors: 3,
    bits: 8,
    id: 255n,
    advertise: '192.0.2.7:4848',
    quotaBytes: 10 * 2 ** 30,
    graceMilliseconds: 60_000,
    keepOwn: false,
    repairBytesPerSecond: 50 * 2 ** 20,
    limitLan: true,
    save: path.resolve('downloads'),
    share: [path.resolve('music')],
    name: 'anna@laptop',
    open: true,
    zone: 'rack-2',
  });
});

const wrong: readonly (readonly [keyof ConfigurationText, ConfigurationText, RegExp])[] = [
  ['keepOwn', { keepOwn: 'maybe' }, /--keep-own "maybe" is neither yes nor no/],
  ['lan', { lan: 'yes' }, /--lan "yes" is neither on nor off/],
  ['listen', { listen: 'nowhere' }, /--listen.*HOST:PORT/],
  ['api', { api: '127.0.0.1:99999' }, /--api.*65535/],
  ['join', { join: ['127.0.0.1:0'] }, /--join.*from 1 to 65535/],
  ['advertise', { advertise: 'x' }, /--advertise/],
  ['replicas', { replicas: '9' }, /--replicas "9".*from 1 to 8/],
  ['writeQuorum', { replicas: '2', writeQuorum: '3' }, /--write-quorum 3 is more than --replicas 2/],
  ['ping', { ping: '0' }, /--ping "0"/],
  ['virtualNodes', { virtualNodes: '65' }, /--virtual-nodes/],
  ['successors', { successors: 'three' }, /--successors "three"/],
  ['bits', { bits: '2' }, /--bits "2".*from 3 to 256/],
  ['id', { id: '-1' }, /--id "-1"/],
  ['id', { bits: '8', id: '256' }, /--id 256 does not fit.*from 0 to 255/],
  ['quota', { quota: 'plenty' }, /--quota "plenty" is not a size.*10G/],
  ['zone', { zone: '' }, /--zone "" is not a zone.*rack-2/],
  ['zone', { zone: 'rack 2' }, /--zone "rack 2" is not a zone.*letters, digits/],
  ['zone', { zone: 'a'.repeat(65) }, /--zone.*1 to 64/],
  ['blocks', { blocks: '/srv/blocks' }, /--blocks "\/srv\/blocks" is no place for blocks.*s3:\/\/BUCKET/],
  ['s3Endpoint', { blocks: 's3://abc', s3Endpoint: 'https://store/path' }, /--s3-endpoint "https:.*is not an origin/],
  ['s3Region', { blocks: 's3://abc', s3Region: 'eu central' }, /--s3-region "eu central" is not a region/],
  ['s3Keys', { s3Keys: '/etc/keys' }, /--s3-keys is given without --blocks.*for example --blocks s3:/],
  ['cache', { cache: '1G' }, /--cache is given without --blocks/],
  ['grace', { grace: '30 days' }, /--grace "30 days" is not a time/],
  ['grace', { grace: '8d' }, /--grace.*at most 7d/],
  ['logLevel', { logLevel: 'loud' }, /--log-level "loud".*debug, info, warn, error/],
  ['limit', { limit: '0' }, /--limit "0".*"off" for no limit, or "stop"/],
  ['limit', { limit: '08:00,1M Mo-09:00,2M' }, /--limit entry 2, "Mo-09:00,2M", has no day in "Mo"/],
  ['limitLan', { limitLan: 'maybe' }, /--limit-lan "maybe" is neither yes nor no/],
  ['repairRate', { repairRate: '10K' }, /--repair-rate.*at least 1M/],
];

for (const [field, text, message] of wrong) {
  test(`A22 a wrong ${field} such as ${JSON.stringify(text)} is named with what would be right`, () => {
    assert.throws(
      () => parseConfiguration(text),
      (error) => error instanceof ChordialError && error.exit === 2 && message.test(error.message),
    );
  });
}

test('C1 keep-own is yes or no as a flag, and true or false in the file as well', () => {
  for (const [line, expected] of [
    ['keep-own = false', 'no'],
    ['keep-own = true', 'yes'],
    ['keep-own = "no"', 'no'],
  ] as const)
    assert.equal(parseSettings(line, 'chordial.toml').get('keepOwn')?.value, expected);
  assert.throws(() => parseSettings('keep-own = 1', 'chordial.toml'), /keep-own = true \(or false\)/);
});

test('sizes have units of powers of 1024', () => {
  assert.equal(parseSize('0', '--quota'), 0);
  assert.equal(parseSize('1.5K', '--quota'), 1536);
  assert.equal(parseSize('2MiB', '--quota'), 2 ** 21);
  assert.equal(parseSize('1tb', '--quota'), 2 ** 40);
  for (const bad of ['', 'G', '-1', '1e3', '1X', '9999999999T']) assert.throws(() => parseSize(bad, '--quota'));
});

test('times have units and are above 0', () => {
  assert.equal(parseDuration('90', '--ttl'), 90_000);
  assert.equal(parseDuration('7d', '--ttl'), 604_800_000);
  assert.equal(parseDuration('500ms', '--ttl'), 500);
  for (const bad of ['', '0', '-5s', '7 years']) assert.throws(() => parseDuration(bad, '--ttl'));
  assert.equal(formatDuration(340), '340 ms');
  assert.equal(formatDuration(1_240), '1.2 s');
  assert.equal(formatDuration(300_000), '5 min');
});

test('the data folder follows XDG and ignores a relative one', () => {
  assert.equal(defaultDataFolder({ XDG_DATA_HOME: '/somewhere' }), '/somewhere/chordial');
  assert.ok(path.isAbsolute(defaultDataFolder({ XDG_DATA_HOME: 'relative' })));
});

test('M5 the origin of a proxy and TLS of the API are told wrong with the way out', () => {
  assert.equal(parseConfiguration({ apiOrigin: 'https://Files.example.org/' }).apiOrigin, 'https://files.example.org');
  for (const apiOrigin of ['files.example.org', 'https://a/b', 'ftp://a', 'https://u@a', '']) {
    assert.throws(() => parseConfiguration({ apiOrigin }), { code: 'bad-usage', message: /--api-origin.*example/ });
  }
  const both = parseConfiguration({ apiTlsCert: '/a.pem', apiTlsKey: '/a.key' });
  assert.deepEqual([both.apiTlsCert, both.apiTlsKey], ['/a.pem', '/a.key']);
  assert.throws(() => parseConfiguration({ apiTlsKey: '/a.key' }), { code: 'bad-usage', message: /--api-tls-cert/ });
});

test('a door has its services, and nothing of it is given without it', () => {
  const { door, serve, doorUrl } = parseConfiguration({
    door: '0.0.0.0:8443',
    serve: 'links',
    doorUrl: 'https://a.example/',
  });
  assert.deepEqual([door, serve, doorUrl], [{ host: '0.0.0.0', port: 8443 }, ['links'], 'https://a.example']);
  assert.throws(() => parseConfiguration({ door: '[::]:1', serve: 'links,ftp' }), {
    message: /"links,ftp" names what no door serves/,
  });
  assert.throws(() => parseConfiguration({ serve: 'links' }), {
    code: 'bad-usage',
    message: /--serve is given without --door/,
  });
  assert.throws(() => parseConfiguration({ door: '[::]:1', tlsCert: '/c' }), {
    message: /--tls-cert is given without --tls-key/,
  });
});

test('rough: telegraf#1378 "~" in settings is the home of this user, and "~name" an error', () => {
  const { data, save, share } = parseConfiguration({ data: '~/peer', save: '~', share: ['~/music', './~odd'] });
  assert.deepEqual(
    [data, save, share],
    [path.join(homedir(), 'peer'), homedir(), [path.join(homedir(), 'music'), path.resolve('~odd')]],
  );
  assert.throws(() => parseConfiguration({ data: '~no one/peer' }), /--data "~no one\/peer": only "~"/);
  const settings = parseSettings('data = "~/peer"\nshare = ["~/music", "near"]', '/etc/chordial.toml');
  assert.equal(settings.get('data')?.value, path.join(homedir(), 'peer'));
  assert.deepEqual(settings.get('share')?.value, [path.join(homedir(), 'music'), '/etc/near']);
  assert.throws(() => parseSettings('save = "~x"', '/etc/chordial.toml'), /"save" in line 1 of .*only "~"/);
});

test('B10 peers are looked for on the local network unless the settings or the address on which it listens say otherwise', () => {
  for (const [text, expected] of [
    [{}, true],
    [{ listen: '192.0.2.7:4848' }, true],
    [{ lan: 'on' }, true],
    [{ lan: 'off' }, false],
    [{ listen: '127.0.0.1:4848' }, false],
    [{ listen: '[::1]:4848', lan: 'on' }, false],
  ] as const) {
    assert.equal(isOnLan(parseConfiguration(text)), expected, JSON.stringify(text));
  }
});

test('B10 no router is asked where it is switched off, on loopback, with an advertised address, or on IPv6 only', () => {
  const why = (text: Parameters<typeof parseConfiguration>[0]) =>
    mapsNoPort(parseConfiguration({ data: '/x', ...text }))?.reason;
  assert.equal(why({}), undefined);
  assert.equal(why({ portMapping: 'on', listen: '192.168.1.2:4848' }), undefined);
  assert.equal(why({ listen: '[::]:4848' }), undefined);
  assert.equal(why({ portMapping: 'off' }), 'switched-off');
  assert.equal(why({ listen: '127.0.0.1:4848' }), 'loopback');
  assert.equal(why({ advertise: 'peer.example.org:4848' }), 'advertised');
  assert.equal(why({ listen: '[2001:db8::7]:4848' }), 'ipv6-only');
  assert.throws(() => why({ portMapping: 'maybe' }), { code: 'bad-usage' });
});
