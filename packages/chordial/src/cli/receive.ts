/**
 * `chordial receive CODE|URL`: fetches what somebody sent, also on a machine that is no member. Killed and started again
 * it goes on.
 */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import type { LinkedContent } from '../client/answers.ts';
import { type Code, looksLikeCode, parseCode, textOfCode } from '../codes/code.ts';
import type { CodeTarget } from '../codes/code-target.ts';
import { noSuchCodeText } from '../codes/guardian.ts';
import { meet } from '../codes/meet.ts';
import { noAttributes } from '../content/attributes.ts';
import { buildOfLeaves } from '../content/builder.ts';
import { parseCid } from '../content/cid.ts';
import { LeafPool } from '../content/leaf-pool.ts';
import { checkName } from '../content/name.ts';
import { OpenedFile } from '../content/sealed.ts';
import { headerIn, maxHeaderBytes, nonceBytes, openHeader } from '../content/sealed-header.ts';
import { ChordialError } from '../errors.ts';
import { type LinkAddress, parseLink } from '../links/link-address.ts';
import { openWithKey } from '../links/link-record.ts';
import { parseDuration } from '../peer/quantities.ts';
import { alreadyExists, whatIsAt } from '../transfer/existing-target.ts';
import { formatBytes } from '../transfer/format-bytes.ts';
import { PartFile } from '../transfer/part-file.ts';
import { type CommonOptions, peerCommand } from './command.ts';
import { Interruption } from './end-signals.ts';
import { doorAt, doorsAt, doorsOnLan, type MeetingPlace, ownNetwork, ownPeer } from './meeting-place.ts';
import { dateOf, note, say, sayJson } from './output.ts';
import { Progress } from './progress.ts';
import type { PeerOptions } from './running-peer.ts';
import { askForLine } from './secret-line.ts';
import { type StoredAt, storedBytes } from './stored-bytes.ts';
import { plain } from './table.ts';
import { folderOf, type Place } from './target.ts';
import { ReceiveNote, type UnfinishedReceive } from './unfinished-receive.ts';

/** Between notes of what is on the disk: as much is fetched again after a kill. */
const noteBytes = 4 * 1024 * 1024;
/** Of large files a part: each note waits for the disk. */
const noteShare = 1 / 256;
const wait = '5m';

interface ReceiveOptions extends CommonOptions, PeerOptions {
  readonly output?: string;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly wait: string;
}

export function receiveCommand(): Command {
  return peerCommand(
    'receive',
    'receives what somebody sent by a code or link; no membership is needed',
    'chordial receive 7-coral-eagle-river\n  chordial receive 7-coral-eagle-river@door.example:8443',
  )
    .argument('<code|url...>', 'the code, with @DOOR:PORT behind it where no peer is near; or a link')
    .option('-o, --output <path>', 'where to write it; a folder keeps its name')
    .option('-y, --yes', 'without asking first')
    .option('--force', 'replace an existing file')
    .option('--wait <time>', 'how long to try while no door sends anything', wait)
    .action(async (given: readonly string[], options: ReceiveOptions) => {
      // Words of a code may be given one by one.
      const wanted = wantedIn(given.join(' '));
      const patience = parseDuration(options.wait, '--wait');
      using interruption = new Interruption();
      const received = await receive(wanted, { ...options, patience }, interruption.signal);
      if (options.json) sayJson(received);
      else say(`${plain(received.path)}  ${formatBytes(received.size)}  from ${plain(received.from)}`);
    });
}

/** What is given on the command line. */
interface Wanted {
  /** In one form, for the note of what is unfinished. */
  readonly text: string;
  readonly code: Code | null;
  readonly link: LinkAddress | null;
  readonly door: string | null;
}

/** Throws `bad-usage`. */
export function wantedIn(text: string): Wanted {
  if (/^\s*https?:\/\//i.test(text)) {
    const link = parseLink(text);
    return { text: text.trim(), code: null, link, door: link.door };
  }
  if (!looksLikeCode(text) && URL.canParse(text)) parseLink(text);
  const { code, door } = parseCode(text);
  return { text: textOfCode(code), code, link: null, door };
}

export type Job = ReceiveOptions & { readonly patience: number };

interface Received {
  readonly path: string;
  readonly name: string;
  readonly size: number;
  readonly from: string;
  readonly link: string;
  /** Bytes that an earlier attempt had left. */
  readonly resumedAt: number;
}

export async function receive(wanted: Wanted, job: Job, signal: AbortSignal): Promise<Received> {
  const output = path.resolve(job.output ?? '.');
  const isInto = await stat(output).then(
    (there) => there.isDirectory(),
    () => job.output?.endsWith(path.sep) === true,
  );
  const folder = await folderOf(isInto ? path.join(output, 'x') : output);
  try {
    const unfinishedNote = new ReceiveNote(folder, wanted.text);
    const unfinished = await unfinishedNote.read();
    const led = await follow(wanted, unfinished, job);
    const { link, places } = led;
    const { content, place } = await contentAt(link, places);
    const found = await describe(link, content, place);
    const base = isInto ? safeName(found.name) : path.basename(output);
    const isSame = unfinished?.base === base && unfinished.cid === content.cid && !found.isZip;
    const resumed = isSame ? unfinished : null;
    await checkFree({ folder, base }, job);
    if (resumed === null) await ask(found, content, job);
    const stored: StoredAt = {
      id: link.id,
      content: found.isZip ? { ...content, size: found.size } : content,
      isRanged: !found.isZip,
      places: [place, ...places.filter((one) => one !== place)],
      patience: job.patience,
      signal,
      tell: note,
    };
    const target = { folder, base, note: unfinishedNote, led: led.target, resumed };
    const resumedAt = await fetch(stored, found, target, job);
    return {
      path: path.join(folder.path, base),
      name: found.name,
      size: found.size,
      from: content.from,
      link: link.id,
      resumedAt,
    };
  } finally {
    await folder.close();
  }
}

interface Led {
  readonly link: LinkAddress;
  readonly target: CodeTarget;
  readonly places: readonly MeetingPlace[];
}

/** Where the code leads; the note of an earlier attempt tells it without another exchange. */
async function follow({ code, link, door }: Wanted, unfinished: UnfinishedReceive | null, job: Job): Promise<Led> {
  if (link !== null) {
    if (link.door === null) throw new ChordialError('bad-usage', 'Give the whole URL of the link.');
    // What a plain link leads to is as trustworthy as the certificate of its door.
    return { link, target: { path: '', doors: [] }, places: [doorAt(link.door, { isTrusted: link.key === null })] };
  }
  if (unfinished !== null) {
    const own = door === null ? await ownPeer(job) : null;
    const near = door === null ? (own === null ? await doorsOnLan() : [own]) : doorsAt(door);
    return ledTo(unfinished.target, near);
  }
  for await (const { target, places } of met(code!, door, job)) return ledTo(target, places);
  throw new ChordialError('not-found', noSuchCodeText);
}

function ledTo(target: CodeTarget, near: readonly MeetingPlace[]): Led {
  const link = parseLink(`http://door${target.path}`);
  const told = target.doors.filter((url) => URL.canParse(url) && !near.some(({ name }) => name === url));
  return {
    link,
    target,
    places: [...near, ...told.map((url) => doorAt(new URL(url).origin, { isTrusted: link.key === null }))],
  };
}

/** Places are asked one after the other; one of another network than one where the words were wrong may know the code. */
async function* met(code: Code, door: string | null, job: Job) {
  const wrong = new Set<string>();
  let failure: ChordialError | null = null;
  for await (const place of placesFor(door, job)) {
    if (wrong.has(place.network)) continue;
    try {
      const target = await meet(place, code, randomBytes);
      if (target !== null) yield { target, places: [place] };
      wrong.add(place.network);
      // Doors near may be of the same network, where every try counts.
      if (place.network === ownNetwork) break;
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      // A door that is away says less than one that does not know the code.
      if (failure === null || failure.code === 'unreachable' || failure.code === 'internal') failure = error;
    }
  }
  if (wrong.size > 0)
    throw new ChordialError(
      'wrong-code',
      `The words of ${textOfCode(code)} are wrong. See whether it is the right code; after five wrong tries it ends.`,
    );
  if (failure?.code === 'not-found') throw new ChordialError('not-found', noSuchCodeText);
  throw failure ?? noPlace();
}

async function* placesFor(door: string | null, job: Job): AsyncGenerator<MeetingPlace, void, undefined> {
  if (door !== null) return yield* doorsAt(door);
  const own = await ownPeer(job);
  if (own !== null) yield own;
  note('looking for doors on the local network');
  yield* await doorsOnLan();
}

function noPlace(): ChordialError {
  return new ChordialError(
    'no-running-peer',
    'No peer runs here, and no door is heard on the local network. Give one behind the code: CODE@DOOR:PORT, as the sender sees it.',
  );
}

/** The first place that knows the link. For one with a password it is asked. */
async function contentAt(link: LinkAddress, places: readonly MeetingPlace[]) {
  let failure: unknown = null;
  for (const place of places) {
    try {
      return { content: await place.content(link.id), place };
    } catch (error) {
      if (!(error instanceof ChordialError)) throw error;
      if (error.code === 'token-required' && link.door !== null) return withPassword(link, link.door);
      if (failure === null || error.code === 'not-found') failure = error;
    }
  }
  if (failure instanceof ChordialError && failure.code === 'not-found') throw noSuchLink();
  throw failure;
}

async function withPassword({ id, key }: LinkAddress, door: string) {
  const password = (await askForLine('Password of the link: ')).replace(/\r?\n$/, '');
  const place = doorAt(door, { isTrusted: key === null, password });
  return { content: await place.content(id), place };
}

function noSuchLink(): ChordialError {
  return new ChordialError('not-found', 'There is no such link: it was taken back, has expired, or never was.');
}

interface Described {
  readonly name: string;
  readonly size: number;
  /** Null: it is not sealed. */
  readonly fileKey: Uint8Array | null;
  /** Made as it is sent: it cannot begin in the middle. */
  readonly isZip: boolean;
}

/** What a door says is checked, since it may be anybody's. */
async function describe({ id, key }: LinkAddress, content: LinkedContent, place: MeetingPlace): Promise<Described> {
  const { type, name, size, sealed, cid } = content;
  parseCid(cid);
  if (!isCount(size)) throw lying();
  if (typeof sealed !== 'string') {
    // Else a door could send anything in place of what was sealed.
    if (key !== null || typeof name !== 'string') throw lying();
    if (type === 'file') return { name: checkName(name), size, fileKey: null, isZip: false };
    const zipBytes = await place.zipBytes(id);
    if (!isCount(zipBytes)) throw lying();
    return { name: checkName(`${name}.zip`), size: zipBytes, fileKey: null, isZip: true };
  }
  if (key === null)
    throw new ChordialError(
      'bad-usage',
      'The link is sealed, and its key is missing: give all of the URL, with what follows #.',
    );
  const opened = openWithKey(id, key, Uint8Array.from(Buffer.from(sealed, 'base64url')));
  if (opened === null) throw lying();
  return { ...opened, name: checkName(opened.name), isZip: false };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function lying(): ChordialError {
  return new ChordialError('bad-content', 'The door tells of another file than was sent. Try another door.');
}

/** A sender must not place hidden files. */
function safeName(name: string): string {
  return name.replace(/^\.+/, (dots) => '_'.repeat(dots.length));
}

async function checkFree({ folder, base }: Place, { force }: Job): Promise<void> {
  const there = await whatIsAt(folder, base);
  if (there === 'nothing' || (there === 'file' && force)) return;
  throw alreadyExists(path.join(folder.path, base));
}

async function ask({ name, size }: Described, { from, expires }: LinkedContent, { yes, json }: Job): Promise<void> {
  if (yes || json || !process.stdin.isTTY || !process.stderr.isTTY) return;
  const answer = await askForLine(
    `${plain(name)}, ${formatBytes(size)}, from ${plain(from)}, until ${dateOf(expires)}. Receive it? [Y/n] `,
  );
  if (/^\s*(?:y|yes)?\s*$/i.test(answer)) return;
  throw new ChordialError('interrupted', 'Nothing was received. The code still holds.');
}

interface Target extends Place {
  readonly note: ReceiveNote;
  readonly led: CodeTarget;
  readonly resumed: UnfinishedReceive | null;
}

/** Bytes that were there already. Each piece is verified before it is written. */
async function fetch(stored: StoredAt, found: Described, target: Target, job: Job): Promise<number> {
  const { folder, base, note: unfinishedNote, led, resumed } = target;
  const { size } = found;
  const { signal, content } = stored;
  const part =
    resumed === null ? null : await PartFile.open(folder, base, { size, mark: resumed.mark }).catch(() => null);
  const resumedAt = part === null ? 0 : Math.min(resumed?.done ?? 0, size);
  const file = part ?? (await PartFile.create(folder, base, { size, signal }));
  const progress = new Progress(`receive ${plain(base)}`, job);
  let isKept = true;
  try {
    let done = resumedAt;
    const remember = async () => {
      await file.flush();
      await unfinishedNote.write({ target: led, base, cid: content.cid, mark: file.mark, done });
    };
    await remember();
    let noted = done;
    for await (const piece of await contentFrom(stored, found, done)) {
      await file.write(piece, done);
      done += piece.length;
      await progress.update(done, size);
      if (done - noted < Math.max(noteBytes, size * noteShare)) continue;
      await remember();
      noted = done;
    }
    if (done !== size || !(await isIntact(file, found, content))) throw lying();
    await file.finish(size, { force: job.force === true, attributes: noAttributes });
    await unfinishedNote.remove();
    return resumedAt;
  } catch (error) {
    if (!(error instanceof ChordialError)) throw error;
    // What the door sent was not what it was to be.
    if (error.code === 'bad-content') isKept = false;
    if (error.code === 'interrupted' || error.code === 'no-live-source')
      throw new ChordialError(error.code, `${error.message} Run the same command again: it goes on.`, { cause: error });
    throw error;
  } finally {
    progress.end();
    if (isKept) await file.close();
    else {
      await file.drop();
      await unfinishedNote.remove();
    }
  }
}

/** Pieces of a sealed file were verified one by one; of a plain one the whole is. */
async function isIntact(file: PartFile, { size, fileKey, isZip }: Described, { cid }: LinkedContent): Promise<boolean> {
  if (fileKey !== null || isZip) return true;
  const pool = new LeafPool();
  const built = await buildOfLeaves(file.whole(size, pool), async ({ bytes }) => pool.giveBack(bytes), {
    wholeHash: false,
  });
  return built.cid.equals(parseCid(cid));
}

/** The bytes of the content; those of a sealed file are verified. */
async function contentFrom(
  stored: StoredAt,
  { fileKey }: Described,
  start: number,
): Promise<AsyncIterable<Uint8Array>> {
  const { size } = stored.content;
  const read = (from: number, end: number) => storedBytes(stored, from, end);
  if (fileKey === null) return read(start, size);
  const parts: Uint8Array[] = [];
  for await (const part of read(0, Math.min(size, maxHeaderBytes))) parts.push(Uint8Array.from(part));
  const head = Buffer.concat(parts);
  const shown = headerIn(head);
  const nonce = Uint8Array.from(head.subarray(shown.header.length, shown.header.length + nonceBytes));
  const seal = { fileKey: await openHeader(shown, { fileKey }), header: shown.header, nonce };
  return new OpenedFile(seal, size, read).read(start);
}
