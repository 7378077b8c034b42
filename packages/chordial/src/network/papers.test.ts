/** The papers of a membership byte for byte: they are signed and stored, so a change here ends every network. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  admissionOf,
  decodeAdmission,
  isCertificateSigned,
  isStampSigned,
  isTicketSigned,
  signCertificate,
  signStamp,
  signTicket,
} from './admission.ts';
import { decode, encode } from './dag-cbor.ts';
import { found } from './genesis.ts';
import { identityOfSeed } from './identity.ts';
import { decodeInvite, encodeInvite } from './invite.ts';
import { decodeLink, MembershipLog, maxLinkBytes } from './membership-log.ts';

const seed = (byte: number) => new Uint8Array(32).fill(byte);
const founder = identityOfSeed(seed(1));
const anna = identityOfSeed(seed(2));
const ben = identityOfSeed(seed(3));
const key = identityOfSeed(seed(5));
const keys = { founder: founder.publicKey, recovery: seed(4) };
const genesis = { ...found({}, keys), nonce: new Uint8Array(16) };
const network = '949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c0';
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const admissionFixture =
  '8458cb8b015820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c05820ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1506ea6706c82943a2eff5a4411716ecac16362656e01f61b000000e8d4a51000f658206e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1584055e148aba1e8c81c20d06998f4e33784fdccab467434a8e4bea547496d94628121de34aeb2574cee398ef33108337e897ddcc9b268d14b5ab742ec41fc61c60358bf8a025820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c058206e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf10201f61b000000e8d4a510001b0000015d3ef7980058208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394584014477dd2df9f5a7f4c83cc029a435124faf959510b0bb0780394d011f7a622fa25635ad1ae616eb9d69a5589dc7e13e98eee024a1cd5e15f8783712ebb4afe0f8458d68b015820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c058208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394507f8de0ce3c921f9ead2a39138be5b6c864616e6e61051901f41b000000e8d4a510001b000001d1a94a200058208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58407a5c9487e4af2c3fef84a91e801fc0fd045c69812d09b29f18235223973ba4e4e81d2fa746d2a50e54237735a2242b738bf272b754e7ee28437ab49565d54a0cf6f6f68458208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c1b000001001d1bf8006562656e2d325840c712b1927a4b654fbcc1b6d80fc65060ee021c85ae516c0be10a611aadf9ff20659020a9547c50abe59fd22635c0934fb1294b91bb24c9c027fd2fde2da7c403';
const linkFixtures = [
  '89015820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c080011b000001176592e000840158208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394f4808158cd87015820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c05820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c00158208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39458208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58406f9526b8220e7b8beb7477ff79f6e844e5e3fdb73d3476bc0c0b3e21d32119ac05ea1ea5afcfccc78438c52846f9022b87080bec853f1fb9cdd217ab9a4e790858208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c5840e03e6ca272d9921296f5ed20e66f1be42ef796c4a350ad805e47e16698d8d97c8442d5ace0777d4a1f354b3b056d11c08a0fd1e5141bbf83e566a4e4bceae60f',
  '89015820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c081582065fd4515d67ce21b3527897bcae5489d680050386394c84bb03d4f4d4ae266e6021b0000012eae09c80084005820ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1f58158208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3948058208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3945840c875837c14f865edfe6c6a152ae7c5019002599bbfd2aed21ab201cf3c17bacf47b05de22ed4af7dab9f26e64cb163b0b28dacc0e3a881f81066dbd7f1fdb600',
  '89015820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c0815820d72ec46edfb84b5e6015a25fc54aeb90b010683cc1ad92ddd4fb88eeea261319031b00000145f680b0008203815820ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1805820ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d15840d590b44f0578f4f4ebcc3ede5bfd53c83b8b08bb6c17462080ef8eca3aef2ec3041986bca642d4f5ebe0c8637204a91d7516279a921d12d62c5ddd90cf735506',
  '89015820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c0815820d72ec46edfb84b5e6015a25fc54aeb90b010683cc1ad92ddd4fb88eeea261319031b0000015d3ef7980084045820ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d10318328058208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3945840b28b8f5b0f63769a1fe13a3734f27aab5fc8203b0634f30ee13e3af3b4f8b4d94df0e88bc15da2d6490ee02c87c07d28ab2126fe9e06b21771b70f177cd59009',
  '89015820949a63b535e43d3a52c9e005ae2279ad4643cc9e0db65de0b9a828acc7e0a6c0815820d662b024e9e6a9b3fd8819cf64a5b41aa93570199076aaab4061fc9a586364cd041b00000174876e8000830558206e7a1cdd29b0b78fd13af4c5598feff4ef2a97166e3ca6f2e4fbfccd80505bf1815820ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d18058208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39458400f7becbd51c6f977a8dcb155f2f0b913b8f90ec1bd083aa0e1e31f5bba094d0e2cf030d698c60b9a75c38b59fbeca914f6f642a5213ec8309898f3264cf5a10c',
];
const inviteFixtures = [
  'chordial:iAJYIJSaY7U15D06UsngBa4iea1GQ8yeDbZd4LmoKKzH4KbAWCCKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXIFuMTkyLjAuMi4xOjQ4NDgbAAABXT73mABYv4oCWCCUmmO1NeQ9OlLJ4AWuInmtRkPMng22XeC5qCisx-CmwFggbnoc3Smwt4_ROvTFWY_v9O8qlxZuPKby5Pv8zYBQW_ECAfYbAAAA6NSlEAAbAAABXT73mABYIIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOUWEAUR33S359af0yDzAKaQ1Ek-vlZUQsLsHgDlNAR96Yi-iVjWtGuYW651ppVidx-E-mO7gJKHNXhX4eDcS67Sv4PWCAFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBVjchFjWiwFYIJSaY7U15D06UsngBa4iea1GQ8yeDbZd4LmoKKzH4KbAWCCBOXcOqH0XX1ajVGbDTH7My42KkbTuN6Jd9g9bj8mzlFB_jeDOPJIfnq0qOROL5bbIZGFubmEFGQH0GwAAAOjUpRAAGwAAAdGpSiAAWCCKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXFhAelyUh-SvLD_vhKkegB_A_QRcaYEtCbKfGCNSI5c7pOToHS-nRtKlDlQjdzWiJCtzi_Jyt1Tn7ihDerSVZdVKDPb29m69Pxk',
  'chordial:iAJYIJSaY7U15D06UsngBa4iea1GQ8yeDbZd4LmoKKzH4KbAWCCKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXIFuMTkyLjAuMi4xOjQ4NDgbAAABXT73mAD29va8L0BW',
];

test('an admission keeps its bytes and its meaning', () => {
  const { certificate, ticket, inviter, stamp, bytes } = decodeAdmission(bytesOf(admissionFixture));
  assert.equal(hexOf(bytes), admissionFixture);
  assert.equal(hexOf(admissionOf({ certificate, ticket, inviter, stamp }).bytes), admissionFixture);
  assert.ok(ticket !== null && inviter !== null && stamp !== null);
  assert.ok(isCertificateSigned(certificate) && isCertificateSigned(inviter.certificate));
  assert.ok(isTicketSigned(ticket) && isStampSigned(stamp, certificate));
  const granted = { network, rights: ['store'], share: null, notBefore: 1e12 } as const;
  const ticketText = { ...granted, key: key.host, uses: 2, expires: 1.5e12 };
  assert.deepEqual(signTicket(ticketText, anna), ticket);
  assert.deepEqual(signStamp(certificate, 1.1e12, 'ben-2', founder), stamp);
  const text = { ...granted, member: ben.host, name: 'ben', notAfter: null };
  const { serial, bytes: signed } = signCertificate(text, key);
  // Everything but the serial and the signature over it.
  const at = Buffer.from(certificate.bytes).indexOf(certificate.serial);
  const again = Buffer.from(signed);
  assert.notDeepEqual(serial, certificate.serial);
  again.set(certificate.serial, at);
  assert.equal(hexOf(again.subarray(0, -64)), hexOf(certificate.bytes.subarray(0, -64)));
  assert.deepEqual(
    [inviter.certificate.member, inviter.certificate.rights, inviter.certificate.share, inviter.certificate.notAfter],
    [anna.host, ['store', 'invite'], 500, 2e12],
  );
});

test('links and votes of the membership log keep their bytes', () => {
  const log = new MembershipLog(genesis);
  const vote = log.signVote('add-admin', anna.host, founder);
  const links = [];
  for (const [change, votes, author] of [
    [{ operation: 'add-admin', member: anna.host, purge: false, keeps: [] }, [vote], founder],
    [{ operation: 'remove', member: ben.host, purge: true, keeps: [anna.host] }, [], anna],
    [{ operation: 'recover', admins: [ben.host] }, [], ben],
    [{ operation: 'grant', member: ben.host, rights: ['store', 'publish'], share: 50 }, [], anna],
    [{ operation: 'take-back', ticket: key.host, keeps: [ben.host] }, [], anna],
  ] as const) {
    const link = log.signLink(change, votes, 1.2e12 + links.length * 1e11, author);
    links.push(link);
    if (change.operation !== 'recover') log.take(link);
    assert.deepEqual(decodeLink(link.bytes), link);
    assert.deepEqual(link.change, change);
  }
  assert.deepEqual(
    links.map(({ bytes }) => hexOf(bytes)),
    linkFixtures,
  );
});

test('invites keep their text', () => {
  for (const text of inviteFixtures) assert.equal(encodeInvite(decodeInvite(text)), text);
  const [full, plain] = inviteFixtures.map(decodeInvite);
  const { host, addresses, expires } = full!;
  assert.deepEqual([host, addresses, expires], [founder.host, ['192.0.2.1:4848'], 1.5e12]);
  assert.deepEqual(full!.papers?.seed, seed(5));
  assert.equal(full!.papers?.inviter?.certificate.name, 'anna');
  assert.equal(plain!.papers, null);
});

test('a paper with one bit changed is refused or no longer signed; with another form it is refused with the place', () => {
  for (const fixture of linkFixtures) {
    const log = new MembershipLog(genesis);
    const known = linkFixtures.slice(0, linkFixtures.indexOf(fixture));
    // The recovery is by no key of this network.
    for (const before of known.filter((_, place) => place !== 2)) log.take(decodeLink(bytesOf(before)));
    const whole = bytesOf(fixture);
    for (let at = 0; at < whole.length; at++) {
      const changed = Uint8Array.from(whole);
      changed[at]! ^= 1;
      assert.throws(() => log.take(decodeLink(changed)), { name: 'TransportError', code: 'bad-request' }, `${at}`);
    }
  }
  const bytes = bytesOf(linkFixtures[1]!);
  const wire = decode<unknown[]>(bytes);
  const key = new Uint8Array(32);
  for (const [place, value, complaint] of [
    [0, 2, 'link.kind is not a whole number from 1 to 1'],
    [1, bytes, 'link.network is not 32 bytes'],
    [2, new Array(33).fill(key), 'link.previous has 33 entries, not 0 to 32'],
    [3, 0, 'link.epoch is not a whole number from 1 to 4096'],
    [4, -1, 'link.time is not a whole number from 0 to 253402300799000'],
    [5, [0, key, true], 'link.change has 3 entries, not 4'],
    [5, [3, []], 'link.change.admins has 0 entries, not 1 to 32'],
    [5, [6, key, true, []], 'link.change.operation is not a whole number from 0 to 2'],
    [5, [0, key, true, new Array(7001).fill(key)], 'link.change.keeps has 7001 entries, not 0 to 7000'],
    [6, [new Uint8Array(257)], 'link.votes[0] is not of at most 256 bytes'],
    [7, 'x', 'link.author is not 32 bytes'],
    [8, new Uint8Array(63), 'link.signature is not 64 bytes'],
  ] as const)
    assert.throws(() => decodeLink(encode(wire.with(place, value))), {
      message: `The message is malformed: ${complaint}.`,
    });
  assert.throws(() => decodeLink(new Uint8Array(maxLinkBytes + 1)), /link is not of at most 262144 bytes/);
  assert.throws(() => decodeLink(Uint8Array.from([...bytes, 0])), /link is not DAG-CBOR/);
  const admission = decode<unknown[]>(bytesOf(admissionFixture));
  const deeper = (admission[2] as unknown[]).with(2, admission[2]);
  assert.throws(
    () => decodeAdmission(encode(admission.with(2, deeper))),
    /admission.inviter.inviter is one inviter too/,
  );
  assert.throws(() => decodeAdmission(encode(admission.with(1, key))), /admission.ticket is not DAG-CBOR|has/);
});
