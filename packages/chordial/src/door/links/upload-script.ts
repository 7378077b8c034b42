/**
 * The script of a drop box: sends files by tus, two at a time, in pieces, and goes on after every break. It stands in the
 * page, whose policy names it by its hash.
 */
import { hash } from 'node:crypto';

export const uploadScript = `
(() => {
'use strict';
const pieceBytes = 8 * 1024 * 1024, atOnce = 2, tus = { 'Tus-Resumable': '1.0.0' };
const at = (id) => document.getElementById(id);
const base = at('box').dataset.uploads;
const key = 'chordial ' + base;
const waiting = [];
let running = 0;

/* As the page itself shows sizes. */
const sizeText = (bytes) => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  for (; bytes >= 999.5 && unit < 4; unit++) bytes /= 1000;
  return bytes.toFixed(unit === 0 || bytes >= 100 ? 0 : bytes >= 10 ? 1 : 2) + ' ' + units[unit];
};
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/* What is not finished, so that the page can ask for it after it was closed. */
const remembered = () => { try { return JSON.parse(localStorage.getItem(key)) || []; } catch { return []; } };
const remember = (names) => { try { localStorage.setItem(key, JSON.stringify(names.slice(-20))); } catch {} };
const note = (name, isOpen) => remember(remembered().filter((one) => one !== name).concat(isOpen ? [name] : []));

class Failure extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

const send = (method, url, headers, body, moved, job) => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  if (job) job.request = request;
  request.open(method, url);
  for (const [name, value] of Object.entries({ ...tus, ...headers })) request.setRequestHeader(name, value);
  if (moved) request.upload.onprogress = (event) => moved(event.loaded);
  request.onload = () => {
    if (request.status < 300) return resolve(request);
    let text = 'It was refused (' + request.status + ').';
    try { text = JSON.parse(request.responseText).detail || text; } catch {}
    reject(new Failure(request.status, text));
  };
  request.onerror = request.onabort = () => reject(new Failure(0, ''));
  request.send(body || null);
});

/* Tells this file from others of its name and size: when it was changed, and some of its bytes. */
const markOf = async (file) => {
  const samples = await Promise.all([0, Math.floor(file.size / 2), Math.max(0, file.size - 48)].map((start) =>
    file.slice(start, start + 48).arrayBuffer()));
  const bytes = [...new TextEncoder().encode(String(file.lastModified)), ...samples.flatMap((one) => [...new Uint8Array(one)])];
  return base64(bytes);
};

const isLasting = ({ status }) => status === 400 || status === 401 || status === 403 || status === 413 || status === 507 || status === 404;

const upload = async (job) => {
  const { file } = job;
  let mark;
  try { mark = await markOf(file); } catch { throw new Failure(400, 'It cannot be read. Was it moved or is it a folder?'); }
  let place = null, tries = 0;
  while (!job.isEnded) {
    try {
      if (place === null) {
        const name = base64(new TextEncoder().encode(file.name));
        const made = await send('POST', base, { 'Upload-Length': file.size, 'Upload-Metadata': 'filename ' + name + ',mark ' + mark });
        place = job.place = made.getResponseHeader('Location');
      }
      let offset = Number((await send('HEAD', place)).getResponseHeader('Upload-Offset'));
      while (offset < file.size && !job.isEnded) {
        job.show(offset, tries > 0 ? 'going on' : '');
        const end = Math.min(file.size, offset + pieceBytes), begin = offset;
        const headers = { 'Upload-Offset': begin, 'Content-Type': 'application/offset+octet-stream' };
        const moved = (bytes) => job.show(begin + bytes, end === file.size && begin + bytes >= file.size ? 'being stored' : '');
        const sent = await send('PATCH', place, headers, file.slice(begin, end), moved, job);
        offset = Number(sent.getResponseHeader('Upload-Offset'));
        tries = 0;
      }
      return;
    } catch (error) {
      if (!(error instanceof Failure)) throw new Failure(400, 'It cannot be read. Was it changed meanwhile? Choose it again.');
      if (job.isEnded) return;
      /* The upload is gone, not the box: from the beginning. */
      if (error.status === 404 && place !== null) { place = null; tries += 1; if (tries < 3) continue; }
      if (isLasting(error)) throw error;
      const isStoring = error.status === 503 && job.sent >= file.size;
      job.show(job.sent, isStoring ? 'being stored' : error.status === 0 ? 'no connection, waiting' : 'waiting');
      await pause(isStoring ? 3000 : Math.min(20000, 500 * 2 ** Math.min(tries, 6)));
      tries += 1;
    }
  }
};

const rowOf = (file) => {
  const row = document.createElement('li');
  row.className = 'sending';
  const line = document.createElement('div'), name = document.createElement('bdi'), state = document.createElement('span');
  const bar = document.createElement('progress'), end = document.createElement('button');
  name.className = 'name'; state.className = 'soft'; end.className = 'plain small'; end.type = 'button';
  name.textContent = file.name;
  end.textContent = 'Cancel'; end.setAttribute('aria-label', 'Cancel ' + file.name);
  bar.max = 1; bar.value = 0; bar.setAttribute('aria-label', file.name);
  line.append(name, state, end);
  row.append(line, bar);
  at('files').append(row);
  at('files').hidden = false;
  return { row, state, bar, end };
};

const add = (file) => {
  const shown = rowOf(file);
  const job = { file, isEnded: false, place: null, sent: 0, began: 0, from: 0 };
  job.show = (sent, state) => {
    const now = performance.now();
    if (job.began === 0) { job.began = now; job.from = sent; }
    job.sent = sent;
    const rate = (sent - job.from) / Math.max(1, (now - job.began) / 1000);
    shown.bar.value = file.size === 0 ? 1 : sent / file.size;
    const left = rate > 0 ? (file.size - sent) / rate : 0;
    const time = left > 90 ? Math.round(left / 60) + ' min left' : left > 5 ? Math.round(left) + ' s left' : '';
    shown.state.textContent = state || sizeText(sent) + ' of ' + sizeText(file.size) + (time && now - job.began > 3000 ? ', ' + time : '');
  };
  job.end = (text, kind) => {
    job.isEnded = true;
    shown.state.textContent = text;
    shown.row.classList.add(kind);
    shown.bar.remove();
    shown.end.remove();
  };
  shown.state.textContent = 'waits, ' + sizeText(file.size);
  shown.end.onclick = () => {
    note(file.name, false);
    job.end('cancelled', 'ended');
    if (job.request) job.request.abort();
    if (job.place) send('DELETE', job.place).catch(() => {});
    const place = waiting.indexOf(job);
    if (place >= 0) waiting.splice(place, 1);
  };
  note(file.name, true);
  waiting.push(job);
  next();
};

const next = () => {
  while (running < atOnce && waiting.length > 0) {
    const job = waiting.shift();
    running += 1;
    upload(job).then(
      () => { if (!job.isEnded) { job.end(sizeText(job.file.size) + ', sent', 'done'); note(job.file.name, false); } },
      (error) => { if (!job.isEnded) job.end(error.message, 'failed'); note(job.file.name, false); },
    ).finally(() => { running -= 1; next(); });
  }
  showUnfinished();
};

const showUnfinished = () => {
  const isQuiet = running + waiting.length === 0, names = isQuiet ? remembered() : [];
  at('hint').hidden = isQuiet;
  at('unfinished').hidden = names.length === 0;
  at('unfinished').textContent = 'Not finished yet: ' + names.join(', ') + '. Choose the same file again to go on.';
};

const pick = at('pick');
if (pick) {
  pick.onchange = () => { for (const file of pick.files) add(file); pick.value = ''; };
  const drop = at('drop');
  let depth = 0;
  document.ondragover = (event) => event.preventDefault();
  document.ondragenter = (event) => { event.preventDefault(); depth += 1; drop.classList.add('over'); };
  document.ondragleave = () => { depth -= 1; if (depth <= 0) { depth = 0; drop.classList.remove('over'); } };
  document.ondrop = (event) => {
    event.preventDefault();
    depth = 0;
    drop.classList.remove('over');
    for (const file of event.dataTransfer.files) add(file);
  };
}
addEventListener('beforeunload', (event) => { if (running > 0) event.preventDefault(); });
showUnfinished();
})();
`;

export const uploadScriptHash = hash('sha256', uploadScript, 'base64');
