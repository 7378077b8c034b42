import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import { CertifiedNetwork, day } from '../../test/fixtures/certified.ts';
import { admissionOf, decodeAdmission, signCertificate, signStamp, signTicket } from './admission.ts';
import { createIdentity } from './identity.ts';
import { admissionFrom } from './invite.ts';
import type { MemberPaper, Members, OpenInvite } from './members.ts';
import { decodeLink } from './membership-log.ts';

const inviting = { rights: ['store', 'publish', 'invite'] } as const;

/** The admission that a joiner shows. */
function joining(network: CertifiedNetwork, papers = network.papers(), identity = createIdentity(), name = 'joiner') {
  return { identity, shown: [admissionFrom(papers, identity, name).bytes], host: identity.host };
}

test('an admin admits with an invite: the greeted member countersigns, and every other member believes it', () => {
  const network = new CertifiedNetwork();
  const { host, shown } = joining(network);
  const admission = network.members.admit(host, shown)!;
  assert.equal(admission.stamp?.by, network.founder.host);
  const other = network.member('other').members;
  other.check(host, [admission.bytes]);
  const known = other.of(host);
  assert.deepEqual([known.name, known.admittedAt, known.rights], ['joiner', network.now, ['store', 'publish']]);
  assert.deepEqual(other.named('joiner'), [host]);
  assert.deepEqual(decodeAdmission(admission.bytes), admission);
});

test('a member with the right invites in turn, at a depth of two and no more', () => {
  const network = new CertifiedNetwork();
  const inviter = network.member('anna', inviting);
  const guest = network.member('ben', inviting, inviter.members);
  network.members.check(guest.identity.host, guest.members.shown());
  assert.deepEqual(network.members.of(guest.identity.host).rights, ['store', 'publish']);
  assert.throws(() => network.papers({}, guest.members), { code: 'not-admin', message: /Ask an admin/ });
  const plain = network.member('carla');
  assert.throws(() => network.papers({}, plain.members), { code: 'not-admin' });
  const { ticket } = network.papers({ rights: ['store', 'admin'] });
  assert.deepEqual(ticket.rights, ['store'], 'no invite makes an admin');
});

test('a newcomer greeted by a newcomer is believed by a member that never met either', () => {
  const network = new CertifiedNetwork();
  const anna = network.member('anna', inviting);
  const { host, shown } = joining(network);
  anna.members.admit(host, shown);
  const stranger = network.knownTo(createIdentity());
  const ben = anna.members.admissions.find(({ certificate }) => certificate.member === host)!;
  assert.throws(() => stranger.check(host, [ben.bytes]), { code: 'not-admitted' });
  stranger.check(host, [ben.bytes, ...anna.members.shown()]);
});

test('an invite lets in as many as it says, in the order of the countersignatures; others wait for an admin', () => {
  const network = new CertifiedNetwork();
  const papers = network.papers({ uses: 2 });
  const admit = (name: string) => {
    const one = joining(network, papers, createIdentity(), name);
    network.now += 1;
    return { ...one, admit: () => network.members.admit(one.host, one.shown) };
  };
  const [first, second, third] = [admit('one'), admit('two'), admit('three')];
  first.admit();
  second.admit();
  assert.throws(third.admit, { code: 'not-admitted', message: /was for 2 members.*admin admit/ });
  assert.equal(network.members.list().find(({ host }) => host === third.host)?.state, 'waiting');
  assert.equal(first.admit()?.certificate.member, first.host, 'the same key may come again');
  network.members.admitWaiting(third.host);
  assert.equal(third.admit()?.ticket, null);
  for (let more = 0; more < 40; more++) {
    const late = admit(`late ${more}`);
    assert.throws(late.admit, { code: more < 15 ? 'not-admitted' : 'invite-used' }, String(more));
  }
  assert.throws(() => network.members.admitWaiting(first.host), { code: 'not-found' });
});

test('two that used one invite at different members at once: the later one waits everywhere', () => {
  const network = new CertifiedNetwork();
  const [anna, ben] = [network.member('anna'), network.member('ben')];
  anna.members.takeAdmissions(ben.members.admissions);
  const papers = network.papers();
  const [one, two] = [joining(network, papers, undefined, 'one'), joining(network, papers, undefined, 'two')];
  anna.members.admit(one.host, one.shown);
  network.now += 1;
  ben.members.admit(two.host, two.shown);
  for (const members of [network.members, anna.members, ben.members]) {
    members.takeAdmissions(anna.members.admissions);
    members.takeAdmissions(ben.members.admissions);
    members.check(one.host, []);
    assert.throws(() => members.check(two.host, []), { code: 'not-admitted' });
  }
});

test('names in use get a number', () => {
  const network = new CertifiedNetwork();
  const names = ['anna', 'anna', 'anna'].map((name) => network.member(name).members.name);
  assert.deepEqual(names, ['anna', 'anna-2', 'anna-3']);
  assert.deepEqual(network.members.find('anna-2').name, 'anna-2');
  const { host } = network.members.find('anna');
  assert.equal(network.members.find(`${host.slice(0, 8)}…${host.slice(-6)}`).host, host);
  assert.throws(() => network.members.find('12D3KooW'), { code: 'ambiguous-member', message: /id of one: 12D3KooW/ });
  assert.throws(() => network.members.find('zoe'), { code: 'not-found' });
});

test('a countersignature that was verified does not stand for another name, time or signer', () => {
  const network = new CertifiedNetwork();
  const { host, shown } = joining(network, undefined, undefined, 'ben');
  const { certificate, ticket, stamp } = network.members.admit(host, shown)!;
  network.now += 1;
  const other = network.member('other').members;
  other.check(host, []);
  for (const changed of [
    { name: 'anna' },
    { time: stamp!.time - 1 },
    { name: 'anna', time: stamp!.time - 1 },
    { time: stamp!.time - 1, by: other.self },
  ]) {
    const forged = admissionOf({ certificate, ticket, inviter: null, stamp: { ...stamp!, ...changed } });
    assert.equal(other.takeAdmissions([forged]), false);
    other.check(host, [forged.bytes]);
    assert.equal(other.of(host).name, 'ben');
    assert.equal(other.of(host).admittedAt, stamp!.time);
  }
});

test('papers that do not hold are refused with the cause', () => {
  const network = new CertifiedNetwork();
  const anna = network.member('anna', inviting);
  const own = anna.members.own!;
  const refuses = (host: Members['self'], shown: readonly Uint8Array[], code: string, message: RegExp) =>
    assert.throws(() => network.members.admit(host, shown), { code, message });
  const fresh = () => network.knownTo(network.founder);
  const { identity, host, shown } = joining(network);
  refuses(createIdentity().host, shown, 'bad-certificate', /for the key of/);
  // Another network's, and an issuer that is no one.
  const other = new CertifiedNetwork();
  refuses(host, [admissionFrom(other.papers(), identity, 'x').bytes], 'bad-certificate', /another network/);
  const text = { ...own.certificate, member: host, name: 'x', rights: ['store'] as const };
  const self = admissionOf({ certificate: signCertificate(text, identity), ticket: null, inviter: null, stamp: null });
  refuses(host, [self.bytes], 'bad-certificate', /does not chain/);
  // A member without the right to invite, a ticket that grants more, a certificate that grants more.
  const papers = network.papers();
  const certificate = signCertificate({ ...text, rights: ['invite'] }, createIdentity());
  refuses(
    host,
    [admissionOf({ certificate, ticket: papers.ticket, inviter: null, stamp: null }).bytes],
    'bad-certificate',
    /forged|chain|more/,
  );
  // Forged in any byte.
  for (const at of [60, 120, 200, 300]) {
    const forged = Uint8Array.from(shown[0]!);
    forged[at]! ^= 1;
    assert.throws(() => fresh().admit(host, [forged]), { failure: 'refused' }, String(at));
  }
  // A stamp of somebody who is no member, and one that is dated back.
  const joined = decodeAdmission(shown[0]!);
  const stamped = (stamp: ReturnType<typeof signStamp>) => admissionOf({ ...joined, stamp }).bytes;
  refuses(
    host,
    [stamped(signStamp(joined.certificate, network.now, 'x', createIdentity()))],
    'not-admitted',
    /not a member/,
  );
  const late = signStamp(joined.certificate, network.now + 8 * day, 'x', network.founder);
  network.now += 8 * day;
  refuses(host, [stamped(late)], 'invite-expired', /after its end/);
  refuses(host, shown, 'invite-expired', /was valid until.*clock/);
});

test('a clock that is wrong by a day is told as such, on either side', () => {
  const network = new CertifiedNetwork();
  const { host, shown } = joining(network);
  const behind = network.knownTo(createIdentity(), { wallTime: () => network.now - day });
  network.now += 1000;
  const admission = network.members.admit(host, shown)!;
  assert.throws(() => behind.check(host, [admission.bytes]), {
    code: 'wrong-clock',
    message: /one of the two clocks is wrong/,
  });
  const ahead = network.knownTo(createIdentity(), { wallTime: () => network.now + day });
  ahead.check(host, [admission.bytes]);
  const quick = joining(network, network.papers({ expires: network.now + 3600_000 }));
  const tomorrow = network.knownTo(network.founder, { wallTime: () => network.now + day });
  assert.throws(() => tomorrow.admit(quick.host, quick.shown), { code: 'invite-expired', message: /set the clock/ });
});

test('H6 a removed member is refused with all that it signs, and what it let in stays unless it goes too', () => {
  const network = new CertifiedNetwork();
  const anna = network.member('anna', inviting);
  const ben = network.member('ben', {}, anna.members);
  network.members.takeAdmissions(anna.members.admissions);
  const papers = network.papers({}, anna.members);
  const removed: string[] = [];
  network.members.onChange((hosts) => removed.push(...hosts));
  assert.deepEqual(network.members.change('remove', anna.identity.host), { done: true, votes: 0, needed: 1 });
  assert.deepEqual(removed, [anna.identity.host]);
  assert.throws(() => network.members.check(anna.identity.host, anna.members.shown()), { code: 'member-removed' });
  network.members.check(ben.identity.host, ben.members.shown());
  const late = joining(network, papers);
  assert.throws(() => network.members.admit(late.host, late.shown), {
    code: 'member-removed',
    message: /anna, who was removed/,
  });
  assert.equal(network.members.refuses(anna.identity.host, network.now - 1), false, 'what it published stays');
  assert.equal(network.members.refuses(anna.identity.host, network.now + 1), true);
  // Somebody that it admits now, dated back, is not among those that stay.
  const backdated = joining(network, papers);
  const bytes = anna.members.admit(backdated.host, backdated.shown)!.bytes;
  assert.throws(() => network.members.check(backdated.host, [bytes]), { code: 'member-removed' });
});

test('H6 what a member let in can be removed with it', () => {
  const network = new CertifiedNetwork();
  const anna = network.member('anna', inviting);
  const ben = network.member('ben', {}, anna.members);
  network.members.takeAdmissions(anna.members.admissions);
  network.members.change('remove', anna.identity.host, { purge: true, withAdmitted: true });
  assert.ok(network.members.isRemoved(ben.identity.host));
  assert.throws(() => network.members.check(ben.identity.host, ben.members.shown()), { code: 'member-removed' });
  assert.deepEqual(network.members.removed().toSorted(), [anna.identity.host, ben.identity.host].toSorted());
  for (const { identity } of [anna, ben]) assert.ok(network.members.refuses(identity.host, 0));
});

test('H6 the log only grows: nothing that is older, forged or of no admin takes a removal back', () => {
  const network = new CertifiedNetwork();
  const [anna, ben] = [network.member('anna'), network.member('ben')];
  network.members.change('remove', anna.identity.host);
  const [link] = network.members.log.links;
  ben.members.takeLinks(network.members.log.links);
  assert.equal(ben.members.epoch, 1);
  ben.members.takeLinks([]);
  assert.ok(ben.members.isRemoved(anna.identity.host));
  assert.throws(() => ben.members.change('remove', network.founder.host), { code: 'not-admin' });
  const forged = ben.members.log.signLink({ ...link!.change }, [], network.now, ben.identity);
  assert.throws(() => network.members.takeLinks([forged]), { code: 'bad-request', message: /not an admin/ });
  const bytes = Uint8Array.from(link!.bytes);
  bytes[bytes.length - 1]! ^= 1;
  assert.throws(() => new CertifiedNetwork().members.takeLinks([decodeLink(link!.bytes)]), { code: 'bad-request' });
  assert.throws(() => network.knownTo(createIdentity()).takeLinks([decodeLink(bytes)]), { message: /not signed/ });
  assert.equal(decodeLink(link!.bytes).hash, link!.hash);
});

test('H6 each side of a partition removes, and both hold when they meet', () => {
  const network = new CertifiedNetwork();
  const [anna, ben, carla] = [network.member('anna'), network.member('ben'), network.member('carla')];
  network.members.change('add-admin', anna.identity.host);
  anna.members.takeLinks(network.members.log.links);
  anna.members.takeAdmissions(network.members.admissions);
  network.members.change('remove', ben.identity.host);
  anna.members.change('remove', carla.identity.host);
  const [here, there] = [network.members.log.links, anna.members.log.links];
  network.members.takeLinks(there);
  anna.members.takeLinks(here);
  for (const { members } of [anna, { members: network.members }]) {
    assert.ok(members.isRemoved(ben.identity.host) && members.isRemoved(carla.identity.host));
    assert.equal(members.log.digest, network.members.log.digest);
  }
});

test('admins change by more than half of them, and the last one stays', () => {
  const network = new CertifiedNetwork();
  const [anna, ben] = [network.member('anna'), network.member('ben')];
  const meet = () => {
    for (const to of [network.members, anna.members, ben.members]) {
      for (const from of [network.members, anna.members, ben.members]) {
        to.takeLinks(from.log.inOrder());
        to.takeVotes(from.log.votes);
        to.takeAdmissions(from.admissions);
      }
    }
  };
  meet();
  assert.throws(() => network.members.change('remove', network.founder.host), { code: 'last-admin' });
  assert.equal(network.members.change('add-admin', anna.identity.host).done, true);
  meet();
  assert.deepEqual(network.members.change('add-admin', ben.identity.host), { done: false, votes: 1, needed: 2 });
  meet();
  assert.equal(anna.members.change('add-admin', ben.identity.host).done, true);
  meet();
  assert.equal(ben.members.isAdmin, true);
  // Two of three remove the third; it alone cannot strike back.
  assert.equal(anna.members.change('remove', network.founder.host).done, false);
  meet();
  assert.equal(ben.members.change('remove', network.founder.host).done, true);
  meet();
  assert.ok(anna.members.isRemoved(network.founder.host));
  anna.members.check(ben.identity.host, ben.members.shown());
  assert.throws(() => network.members.change('remove', anna.identity.host), { code: 'not-admin' });
});

test('with the recovery key a lost majority is replaced, and members stay', () => {
  const network = new CertifiedNetwork({}, (key) => Uint8Array.from(hash('sha256', key, 'buffer')));
  const anna = network.member('anna');
  assert.throws(() => anna.members.recover(createIdentity(), anna.identity.host), { code: 'bad-usage' });
  anna.members.recover(network.recovery, anna.identity.host);
  assert.ok(anna.members.isAdmin);
  network.members.takeLinks(anna.members.log.links);
  assert.equal(network.members.isAdmin, false);
  network.members.check(anna.identity.host, anna.members.shown());
  anna.members.check(network.founder.host, network.members.shown());
});

test('what a member without the right to publish signs does not count', () => {
  const network = new CertifiedNetwork();
  const [reader, writer] = [network.member('reader', { rights: ['store'] }), network.member('writer')];
  assert.equal(network.members.refuses(reader.identity.host, 1), true);
  assert.equal(network.members.refuses(writer.identity.host, 1), false);
});

test('an invite that was taken back admits no one at any member, and who came by it stays', () => {
  const network = new CertifiedNetwork();
  const papers = network.papers({ uses: 3 });
  const early = joining(network, papers, undefined, 'early');
  network.members.admit(early.host, early.shown);
  const other = network.member('other').members;
  const [{ id, members, uses, share }] = network.members.openInvites() as [OpenInvite];
  assert.deepEqual([id, members, uses, share], [papers.ticket.key, [early.host], 3, null]);
  network.members.takeBack(id);
  assert.deepEqual(network.members.openInvites(), []);
  assert.throws(() => network.members.takeBack(id), { code: 'not-found' });
  other.takeLinks(network.members.log.links);
  const stranger = network.knownTo(createIdentity());
  stranger.takeLinks(network.members.log.links);
  for (const members of [network.members, other, stranger]) {
    const late = joining(network, papers, undefined, 'late');
    const refused = { code: 'invite-expired', message: /taken back/ };
    assert.throws(() => members.admit(late.host, late.shown), refused);
    members.takeAdmissions(network.members.admissions);
    members.check(early.host, []);
  }
  assert.deepEqual(
    network.members
      .list()
      .map(({ name, state }) => `${name} ${state}`)
      .sort(),
    ['early member', 'founder member', 'other member'],
  );
  const anna = network.member('anna', inviting);
  const { ticket } = network.papers({ rights: ['store'] }, anna.members);
  assert.throws(() => anna.members.takeBack(ticket.key), { code: 'not-admin', message: /Only an admin/ });
});

test('an admin changes rights and share of a member, which holds everywhere and undoes nothing', () => {
  const network = new CertifiedNetwork();
  const anna = network.member('anna');
  const { host } = anna.identity;
  assert.throws(() => anna.members.grant(host, { invite: true }), { code: 'not-admin' });
  assert.throws(() => network.members.grant(network.founder.host, { publish: false }), { code: 'bad-request' });
  network.members.grant(host, { invite: true, share: 300 });
  const heard = (members: Members) => {
    members.takeLinks(network.members.log.links);
    members.takeAdmissions([...network.members.admissions, ...anna.members.admissions]);
    return members;
  };
  heard(anna.members);
  assert.deepEqual(anna.members.of(host).rights, ['store', 'publish', 'invite']);
  assert.equal(anna.members.of(host).share, 0.3);
  assert.throws(() => network.papers({ share: 400 }, anna.members), { code: 'not-admin', message: /at most 30 %/ });
  const papers = network.papers({ share: 200 }, anna.members);
  const early = joining(network, papers, undefined, 'ben');
  anna.members.admit(early.host, early.shown);
  const before = network.now;
  network.now += 1000;
  network.members.grant(host, { invite: false, publish: false });
  const stranger = heard(network.knownTo(createIdentity()));
  for (const members of [heard(network.members), heard(anna.members), stranger]) {
    members.check(early.host, []);
    assert.equal(members.of(early.host).share, 0.2);
    assert.deepEqual(members.of(host).rights, ['store']);
    assert.equal(members.refuses(host, before), false, 'what it published before');
    assert.equal(members.refuses(host, network.now + 1), true);
    const late = joining(network, network.papers({ uses: 2 }), undefined, 'late');
    members.admit(late.host, late.shown);
  }
  assert.throws(() => network.papers({}, anna.members), { code: 'not-admin' });
  const later = joining(network, papers, undefined, 'carla');
  assert.throws(() => network.members.admit(later.host, later.shown), { message: /may not invite any more/ });
  assert.throws(() => network.members.grant(early.host, { invite: true }), { code: 'bad-request', message: /cannot/ });
});

test('an invite of a member that is no admin gives no larger share than its own', () => {
  const network = new CertifiedNetwork();
  const anna = network.member('anna', { ...inviting, share: 50 });
  const seed = createIdentity();
  const text = { network: network.id, key: seed.host, uses: 1, rights: ['store'], notBefore: network.now } as const;
  for (const share of [null, 51]) {
    const ticket = signTicket({ ...text, share, expires: network.now + day }, anna.identity);
    const certificate = signCertificate(
      { ...text, member: createIdentity().host, name: 'x', share, notAfter: null },
      seed,
    );
    const shown = admissionOf({ certificate, ticket, inviter: anna.members.own, stamp: null });
    assert.throws(() => network.members.admit(certificate.member, [shown.bytes]), {
      code: 'bad-certificate',
      message: /more than its issuer may/,
    });
  }
  assert.equal(network.papers({}, anna.members).ticket.share, 50);
});

test('invites of this peer are known after a restart, until they expire', () => {
  const network = new CertifiedNetwork();
  const kept = new Map<string, Uint8Array>();
  const store = {
    read: (kind: MemberPaper) => [...kept].filter(([id]) => id.startsWith(kind)).map(([, bytes]) => bytes),
    write: (kind: MemberPaper, id: string, bytes: Uint8Array) => void kept.set(`${kind} ${id}`, bytes),
    remove: (kind: MemberPaper, id: string) => void kept.delete(`${kind} ${id}`),
    seen: () => [],
    saw: () => {},
  };
  const founder = network.knownTo(network.founder, { store });
  founder.foundWith('founder');
  const { ticket } = network.papers({ share: 100 }, founder);
  const again = network.knownTo(network.founder, { store });
  assert.deepEqual(
    again.openInvites().map(({ id, share }) => [id, share]),
    [[ticket.key, 100]],
  );
  network.now += 8 * day;
  assert.deepEqual(network.knownTo(network.founder, { store }).openInvites(), []);
  assert.equal([...kept.keys()].filter((id) => id.startsWith('ticket')).length, 0);
});

test('what is known outlives a restart', () => {
  const network = new CertifiedNetwork();
  const kept = new Map<string, readonly [MemberPaper, Uint8Array]>();
  const store = {
    read: (kind: string) => [...kept.values()].filter(([one]) => one === kind).map(([, bytes]) => bytes),
    write: (kind: MemberPaper, id: string, bytes: Uint8Array) => void kept.set(`${kind} ${id}`, [kind, bytes]),
    remove: (kind: MemberPaper, id: string) => void kept.delete(`${kind} ${id}`),
    seen: () => [],
    saw: () => {},
  };
  const anna = network.member('anna');
  const before = network.knownTo(createIdentity(), { store });
  before.takeAdmissions(network.members.admissions);
  network.members.change('remove', anna.identity.host);
  before.takeLinks(network.members.log.links);
  const after = network.knownTo(createIdentity(), { store });
  assert.deepEqual([after.epoch, after.digest, after.isRemoved(anna.identity.host)], [1, before.digest, true]);
  assert.equal(after.of(anna.identity.host).name, 'anna');
});
