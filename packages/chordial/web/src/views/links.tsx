/** Links for people who are no members: made for a file, listed with what was fetched, taken back. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Link, MadeLink } from '../../../src/client/answers.ts';
import { type ApiFailure, call } from '../api.ts';
import type { Item } from '../item.ts';
import { useAnswer } from '../live.ts';
import { copyText, Dialog, Failure, SpanSelect, useAction } from '../parts.tsx';
import { QrCode } from '../qr-code.tsx';
import { follow } from '../route.ts';
import { Sentence } from '../sentence.tsx';
import type { ShownHolder } from '../showing.tsx';
import { ago, moment, size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';

const hourMilliseconds = 3_600_000;
const hoursOf = { hour: 1, day: 24, week: 7 * 24, month: 30 * 24 } as const;
type Span = keyof typeof hoursOf;
const timesOffered = [null, 1, 3, 10] as const;

/** `renewed` changes when a link was made elsewhere. */
export function LinksLine({ renewed }: { readonly renewed: number }) {
  const { value, failure, again } = useAnswer('GET /api/v1/links', {}, 5000);
  const [shown, setShown] = useState<Link | null>(null);
  const [refusal, setRefusal] = useState<ApiFailure | null>(null);
  useEffect(() => {
    if (renewed > 0) again();
  }, [renewed]);
  if (value === null) return <Failure failure={failure} again={again} />;
  const { links } = value;
  if (links.length === 0) return null;
  const takeBack = async ({ id, name }: Link): Promise<void> => {
    if (!confirm(text.links.takeBackQuestion(visible(name)))) return;
    try {
      await call('DELETE /api/v1/links/{id}', { path: { id } });
      setRefusal(null);
    } catch (error) {
      setRefusal(error as ApiFailure);
    }
    again();
  };
  return (
    <details class="links">
      <summary>
        {text.links.count(links.length)}
        {lastFetch(links)}
      </summary>
      <Failure failure={refusal ?? failure} again={again} />
      <ul class="cards">
        {links.map((link) => (
          <li class="card" key={link.id}>
            <div>
              <p class="title">
                <span>{visible(link.name)}</span>
                {link.type === 'drop' ? <span class="tag">{text.links.takesUploads}</span> : null}
                {link.hasPassword ? <span class="tag">{text.links.hasPassword}</span> : null}
                {link.isSealed ? <span class="tag">{text.files.sealed}</span> : null}
              </p>
              <p class="soft">{told(link)}</p>
            </div>
            <p class="actions">
              {link.isExpired ? null : (
                <button
                  type="button"
                  aria-label={text.links.showLink(visible(link.name))}
                  onClick={() => setShown(link)}
                >
                  {text.links.show}
                </button>
              )}
              <button
                type="button"
                class="danger"
                aria-label={text.links.takeBackLink(visible(link.name))}
                onClick={() => void takeBack(link)}
              >
                {text.links.takeBack}
              </button>
            </p>
          </li>
        ))}
      </ul>
      {shown === null ? null : (
        <Dialog title={text.links.linkTo(visible(shown.name))} closed={() => setShown(null)}>
          <ShownLink link={shown} />
        </Dialog>
      )}
    </details>
  );
}

/** Asks how long, with what password, how often; then shows the link. */
export function LinkDialog({
  file,
  made,
  closed,
}: {
  readonly file: Pick<Item, 'name' | 'cid' | 'kind'> & { readonly holders: readonly ShownHolder[] };
  readonly made: () => void;
  readonly closed: () => void;
}) {
  const [span, setSpan] = useState<Span>('week');
  const [password, setPassword] = useState('');
  const [sealed, setSealed] = useState(false);
  const [times, setTimes] = useState(0);
  const [link, setLink] = useState<MadeLink | null>(null);
  const put = file.holders.find(({ shared }) => !shared);
  const { run, isBusy, refusal } = useAction(async () => {
    const often = timesOffered[times] ?? null;
    const body = {
      ...(put === undefined ? { cid: file.cid, as: file.name } : { name: put.name, publisher: put.publisher }),
      timeToLive: hoursOf[span] * hourMilliseconds,
      ...(password === '' ? {} : { password }),
      ...(often === null ? {} : { times: often }),
      ...(sealed ? { sealed } : {}),
    };
    setLink(await call('POST /api/v1/links', { body }));
    made();
  });
  return (
    <Dialog title={(link === null ? text.links.share : text.links.linkTo)(visible(file.name))} closed={closed}>
      {link === null ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void run();
          }}
        >
          <p class="soft">{text.links.about}</p>
          <SpanSelect label={text.links.worksFor} spans={text.links.spans} value={span} changed={setSpan} />
          <label>
            <span>{text.links.password}</span>
            <input
              type="password"
              autocomplete="new-password"
              maxLength={256}
              value={password}
              onInput={(event) => setPassword(event.currentTarget.value)}
            />
          </label>
          <label>
            <span>{text.links.atMost}</span>
            <select value={times} onChange={(event) => setTimes(Number(event.currentTarget.value))}>
              {timesOffered.map((often, index) => (
                <option key={often} value={index}>
                  {often === null ? text.links.anyTimes : text.links.times(often)}
                </option>
              ))}
            </select>
          </label>
          {file.kind !== 'folder' ? (
            <label class="check">
              <input type="checkbox" checked={sealed} onChange={(event) => setSealed(event.currentTarget.checked)} />
              <span>{text.links.seal}</span>
            </label>
          ) : null}
          {refusal?.code === 'no-door' ? (
            <p class="notice" role="alert">
              {text.links.doorFirst}{' '}
              <a href="/settings?at=door" onClick={follow}>
                {text.links.openDoor}
              </a>
            </p>
          ) : (
            <Failure failure={refusal} />
          )}
          <button type="submit" class="primary" disabled={isBusy}>
            {text.links.make}
          </button>
        </form>
      ) : (
        <>
          <ShownLink link={link} />
          {link.notes.map((note) => (
            <p class="notice" key={note.code}>
              <Sentence {...note} />
            </p>
          ))}
        </>
      )}
    </Dialog>
  );
}

function ShownLink({ link }: { readonly link: Link }) {
  const [copied, setCopied] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const { url } = link;
  if (url === null) return <p class="notice">{text.links.noDoor}</p>;
  const copy = async (): Promise<void> => {
    await copyText(url, field.current);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <>
      <QrCode text={url} label={text.links.qrCode(visible(link.name))} />
      <div class="line">
        <label class="grow">
          <span>{text.links.theLink}</span>
          <input ref={field} type="text" readOnly value={url} onFocus={(event) => event.currentTarget.select()} />
        </label>
        <button type="button" class="primary" onClick={() => void copy()}>
          {copied ? text.links.copied : text.links.copy}
        </button>
      </div>
      <p class="soft">{told(link)}</p>
      <p class="soft">{isNear(url) ? text.links.nearOnly : text.links.sendIt}</p>
    </>
  );
}

/** Addresses of this machine and of local networks. */
function isNear(url: string): boolean {
  return /^\w+:\/\/(localhost|127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|\[(::1|f[c-e]))/.test(url);
}

function told({ size: bytes, expires, isExpired, times, fetched, fetches, type }: Link): string {
  const [last] = fetches;
  const often =
    type === 'drop' ? null : fetched === 0 ? text.links.notFetched : text.links.fetched(fetched, when(last));
  return [
    type === 'drop' ? text.links.upTo(size(bytes)) : size(bytes),
    isExpired ? text.links.expired : text.list.until(moment(expires)),
    ...(times === null ? [] : [text.links.timesEach(times)]),
    ...(often === null ? [] : [often]),
  ].join(' · ');
}

function lastFetch(links: readonly Link[]): string {
  const last = links.flatMap(({ fetches }) => fetches[0] ?? []).sort((a, b) => (a.time < b.time ? 1 : -1))[0];
  return last === undefined ? '' : text.links.lastFetched(when(last));
}

function when(fetch: Link['fetches'][number] | undefined): string {
  return fetch === undefined ? text.links.someTimeAgo : ago(fetch.time);
}
