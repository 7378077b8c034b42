/** The people of the network and their machines: what each may, gives and holds; invites; changes by admins. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { ChangedMembers, InviteList, MemberList, PeerStatus } from '../../../src/client/answers.ts';
import { call } from '../api.ts';
import { live, useAnswer } from '../live.ts';
import { Bar, copyText, Dialog, Failure, Moment, PeerName, useAction } from '../parts.tsx';
import { QrCode } from '../qr-code.tsx';
import { follow } from '../route.ts';
import { type Column, Rows } from '../rows.tsx';
import { moment, percent, rate, size, span, visible } from '../shown.ts';
import { text } from '../strings/text.ts';

type Member = MemberList['members'][number] & { readonly peer: PeerStatus | null };
type Invite = InviteList['invites'][number];

const hourMilliseconds = 3_600_000;
const spanHours = [1, 24, 7 * 24, 30 * 24] as const;
const usualHours = 7 * 24;
const maxUses = 1000;
/** Parts of the storage that are offered. */
const shares = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] as const;

export function PeopleView() {
  const { value, failure, again } = useAnswer('GET /api/v1/members', { query: { report: true } }, 5000);
  const { value: peers } = useAnswer('GET /api/v1/peers', {}, 2000);
  const { value: invites, again: invitesAgain } = useAnswer('GET /api/v1/invites', {}, 5000);
  const [isInviting, setInviting] = useState(false);
  const [changed, setChanged] = useState<string | null>(null);
  const [showsRemoved, setShowsRemoved] = useState(false);
  if (value === null) return <Failure failure={failure} again={again} />;
  const words = text.people;
  const ofId = new Map(peers?.peers.map((one) => [one.id, one]));
  const all = value.members.map((one): Member => ({ ...one, peer: ofId.get(one.id) ?? null }));
  const self = all.find(({ isSelf }) => isSelf);
  const isAdmin = self?.isAdmin === true;
  const removed = all.filter(({ state }) => state === 'removed').length;
  const shown = all.filter(({ state }) => showsRemoved || state !== 'removed').toSorted(byPlace);
  const admins = all.filter((one) => one.isAdmin && one.state === 'member');
  const opened = all.find(({ id }) => id === changed);
  const refresh = (): void => {
    again();
    invitesAgain();
    live.changed();
  };
  return (
    <>
      <Failure failure={failure} again={again} />
      {value.admission === 'members' ? null : (
        <p class="notice" role="note">
          {words.unprotected[value.admission]}
        </p>
      )}
      <div class="people-head">
        <p class="grow">
          {words.count(all.filter(({ state }) => state === 'member').length)}
          {isAdmin || value.admission !== 'members' ? null : (
            <span class="soft">
              {' '}
              · {words.adminsOnly(admins.map(({ shownName }) => visible(shownName)).join(', '))}
            </span>
          )}
        </p>
        {invites === null ? null : invites.mayInvite ? (
          <button type="button" class="primary" onClick={() => setInviting(true)}>
            {words.invite}
          </button>
        ) : (
          <span class="soft">{words.mayNotInvite}</span>
        )}
      </div>
      {invites === null || invites.invites.length === 0 ? null : (
        <Invites invites={invites.invites} isAdmin={isAdmin} done={refresh} />
      )}
      <Rows
        label={words.members}
        columns={isAdmin ? [...columns, actions(setChanged)] : columns}
        rows={shown}
        keyOf={({ id }) => id}
      />
      {all.length > 1 ? null : <p class="soft people-alone">{words.alone}</p>}
      {removed === 0 ? null : (
        <p>
          <label>
            <input
              type="checkbox"
              checked={showsRemoved}
              onChange={(event) => setShowsRemoved(event.currentTarget.checked)}
            />{' '}
            {words.showRemoved(removed)}
          </label>
        </p>
      )}
      {isInviting ? (
        <InviteDialog
          isAdmin={isAdmin}
          isOpen={value.admission !== 'members'}
          made={refresh}
          closed={() => setInviting(false)}
        />
      ) : null}
      {opened === undefined ? null : (
        <MemberDialog
          key={opened.id}
          member={opened}
          admitted={all.filter((one) => one.admittedBy === opened.id && !one.isSelf && one.state === 'member')}
          isMembersOnly={value.admission === 'members'}
          done={refresh}
          closed={() => setChanged(null)}
        />
      )}
    </>
  );
}

/** Who waits for an admin first, then this peer, then the others by name. */
function byPlace(a: Member, b: Member): number {
  const place = ({ state, isSelf }: Member) => (state === 'waiting' ? 0 : isSelf ? 1 : state === 'member' ? 2 : 3);
  return place(a) - place(b) || a.shownName.localeCompare(b.shownName, undefined, { numeric: true });
}

function stateOf({ state, isSelf, peer }: Member): { readonly word: string; readonly kind: string } {
  if (state !== 'member') return { word: text.people.states[state], kind: state };
  if (isSelf) return { word: text.peer.states.alive, kind: 'alive' };
  if (peer === null) return { word: text.people.states.never, kind: 'unknown' };
  return { word: text.peer.states[peer.state], kind: peer.state };
}

function State({ member }: { readonly member: Member }) {
  const { word, kind } = stateOf(member);
  return <span class={`state ${kind}`}>{word}</span>;
}

function rightsOf({ isAdmin, rights }: Pick<Member, 'isAdmin' | 'rights'>): string {
  const words = text.people.rights;
  if (isAdmin) return words.admin;
  const given = (['store', 'publish', 'invite'] as const).filter((right) => rights.includes(right));
  return given.length === 0 ? words.none : given.map((right) => words[right]).join(', ');
}

const columns: readonly Column<Member>[] = [
  {
    title: text.people.member,
    kind: 'name',
    cell: (member) => (
      <>
        <PeerName id={member.id} name={member.shownName} isSelf={member.isSelf} />
        <span class="beneath">
          {stateOf(member).kind === 'alive' ? null : (
            <>
              <State member={member} /> ·{' '}
            </>
          )}
          {rightsOf(member)}
        </span>
      </>
    ),
  },
  {
    title: text.peer.state,
    kind: 'wide',
    cell: (member) => <State member={member} />,
  },
  {
    title: text.people.may,
    kind: 'wide',
    cell: rightsOf,
  },
  {
    title: text.people.gives,
    kind: 'wide number',
    cell: (member) => <Given member={member} />,
  },
  {
    title: text.people.share,
    kind: 'widest',
    cell: ({ share }) => (share === null ? <span class="soft">{text.people.usualShare}</span> : percent(share)),
  },
  {
    title: text.people.rates,
    kind: 'widest',
    cell: ({ peer }) =>
      peer === null || (peer.moved.sendRate === 0 && peer.moved.receiveRate === 0) ? (
        <span class="soft">–</span>
      ) : (
        text.people.moving(rate(peer.moved.receiveRate), rate(peer.moved.sendRate))
      ),
  },
  {
    title: text.people.seen,
    kind: 'wide number',
    cell: ({ isSelf, lastSeenAt, peer }) => {
      const time = peer?.lastHeartbeat ?? lastSeenAt;
      if (isSelf) return '';
      return time === null ? <span class="soft">{text.people.never}</span> : <Moment time={time} />;
    },
  },
];

function actions(open: (id: string) => void): Column<Member> {
  return {
    title: text.people.actions,
    kind: 'actions',
    cell: ({ id, shownName, state, isSelf }) =>
      state === 'removed' || isSelf ? null : (
        <button type="button" aria-label={text.people.changeOf(visible(shownName))} onClick={() => open(id)}>
          {state === 'waiting' ? text.people.admit : text.people.change}
        </button>
      ),
  };
}

/** What is used of what it gives. */
function Given({ member: { report } }: { readonly member: Member }) {
  if (report === null) return <span class="soft">–</span>;
  if (report.quota === 0) return <span class="soft">{text.people.givesNothing}</span>;
  return (
    <span class="given" title={text.people.room(size(report.room))}>
      {text.people.usedOf(size(report.used), size(report.quota))}
      <Bar part={report.used / report.quota} label={text.people.gives} />
    </span>
  );
}

function Invites({
  invites,
  isAdmin,
  done,
}: {
  readonly invites: readonly Invite[];
  readonly isAdmin: boolean;
  readonly done: () => void;
}) {
  const words = text.people;
  const { run, isBusy, refusal } = useAction(async (invite: string) => {
    await call('DELETE /api/v1/invites/{invite}', { path: { invite } });
    done();
  });
  return (
    <section aria-label={words.invites}>
      <h2>{words.invites}</h2>
      <Failure failure={refusal} />
      <ul class="cards">
        {invites.map((invite) => (
          <li key={invite.id} class="card">
            <div>
              <p class="title">{words.used(invite.members.length, invite.uses)}</p>
              <p class="soft">
                {words.until} <Moment time={invite.expires} /> · {rightsOf({ ...invite, isAdmin: false })}
                {invite.share === null ? '' : ` · ${words.shareOf(percent(invite.share))}`}
                {invite.members.length === 0 ? '' : ` · ${words.came(invite.members.map(visible).join(', '))}`}
              </p>
              {isAdmin ? null : <p class="soft">{words.adminsTakeBack}</p>}
            </div>
            {isAdmin ? (
              <p class="actions">
                <button
                  type="button"
                  class="danger"
                  disabled={isBusy}
                  aria-label={words.takeBackOf(moment(invite.expires))}
                  onClick={() => void run(invite.id)}
                >
                  {words.takeBack}
                </button>
              </p>
            ) : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

interface Closable {
  readonly closed: () => void;
}

function InviteDialog({
  isAdmin,
  isOpen,
  made,
  closed,
}: Closable & { readonly isAdmin: boolean; readonly isOpen: boolean; readonly made: () => void }) {
  const words = text.people;
  const [hours, setHours] = useState<number>(usualHours);
  const [uses, setUses] = useState('1');
  const [rights, setRights] = useState({ store: true, publish: true, invite: false });
  const [share, setShare] = useState<number | null>(null);
  const [invited, setInvited] = useState<{ invite: string; expires: string; isLocal: boolean } | null>(null);
  const { run, isBusy, refusal } = useAction(async () => {
    const wished = (['store', 'publish', 'invite'] as const).filter((right) => rights[right]);
    const body = { timeToLive: hours * hourMilliseconds, uses: Number(uses), rights: wished };
    const answer = await call('POST /api/v1/invites', { body: share === null ? body : { ...body, share } });
    setInvited(answer);
    made();
  });
  if (invited !== null) {
    return (
      <Dialog title={words.invited} closed={closed}>
        <QrCode text={invited.invite} label={words.qr} />
        <CopyLine text={invited.invite} label={words.line} />
        <p class="soft">{words.howToJoin}</p>
        <p class="soft">{words.secret(Number(uses), moment(invited.expires))}</p>
        {invited.isLocal ? (
          <p class="notice">
            {words.nearOnly}{' '}
            <a href="/settings?at=listen" onClick={follow}>
              {words.toSetting}
            </a>
          </p>
        ) : null}
      </Dialog>
    );
  }
  return (
    <Dialog title={words.inviteOne} closed={closed}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void run();
        }}
      >
        <label>
          <span>{words.validFor}</span>
          <select value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
            {spanHours.map((one) => (
              <option key={one} value={one}>
                {span(one)}
              </option>
            ))}
          </select>
        </label>
        {isOpen ? null : (
          <>
            <label>
              <span>{words.uses}</span>
              <input
                type="number"
                min={1}
                max={maxUses}
                required
                value={uses}
                onInput={(event) => setUses(event.currentTarget.value)}
              />
            </label>
            <fieldset>
              <legend>{words.mayThey}</legend>
              {(['store', 'publish', 'invite'] as const)
                .filter((right) => right !== 'invite' || isAdmin)
                .map((right) => (
                  <label key={right} class="check">
                    <input
                      type="checkbox"
                      checked={rights[right]}
                      onChange={(event) => setRights({ ...rights, [right]: event.currentTarget.checked })}
                    />
                    <span>{words.grants[right]}</span>
                  </label>
                ))}
            </fieldset>
            <ShareChoice share={share} chosen={setShare} />
          </>
        )}
        <Failure failure={refusal} />
        <button type="submit" class="primary" disabled={isBusy}>
          {words.makeInvite}
        </button>
      </form>
    </Dialog>
  );
}

function ShareChoice({
  share,
  chosen,
}: {
  readonly share: number | null;
  readonly chosen: (share: number | null) => void;
}) {
  const words = text.people;
  const offered = share === null || (shares as readonly number[]).includes(share) ? shares : [...shares, share];
  return (
    <label>
      <span>{words.shareOfEach}</span>
      <select
        value={share ?? ''}
        onChange={({ currentTarget: { value } }) => chosen(value === '' ? null : Number(value))}
      >
        <option value="">{words.usualShareLong}</option>
        {offered.map((one) => (
          <option key={one} value={one}>
            {percent(one)}
          </option>
        ))}
      </select>
    </label>
  );
}

function CopyLine({ text: line, label }: { readonly text: string; readonly label: string }) {
  const [copied, setCopied] = useState(false);
  const [field, setField] = useState<HTMLInputElement | null>(null);
  const copy = async (): Promise<void> => {
    await copyText(line, field);
    setCopied(true);
    setTimeout(() => setCopied(false), 1200);
  };
  return (
    <div class="line">
      <label class="grow">
        <span>{label}</span>
        <input ref={setField} type="text" readOnly value={line} onFocus={(event) => event.currentTarget.select()} />
      </label>
      <button type="button" class="primary" onClick={() => void copy()}>
        {copied ? text.parts.copied : text.people.copy}
      </button>
    </div>
  );
}

/** What admins change of a member. */
function MemberDialog({
  member,
  admitted,
  isMembersOnly,
  done,
  closed,
}: Closable & {
  readonly member: Member;
  readonly admitted: readonly Member[];
  readonly isMembersOnly: boolean;
  readonly done: () => void;
}) {
  const words = text.people;
  const { id, rights, isAdmin, state } = member;
  const name = visible(member.shownName);
  const path = { member: id };
  const [may, setMay] = useState({ publish: rights.includes('publish'), invite: rights.includes('invite') });
  const [share, setShare] = useState(member.share);
  const [isRemoving, setRemoving] = useState(false);
  const [pending, setPending] = useState<ChangedMembers | null>(null);
  const { run, isBusy, refusal } = useAction(async (change: () => Promise<ChangedMembers>) => {
    const answer = await change();
    done();
    if (answer.done) closed();
    else setPending(answer);
  });
  const told = (
    <>
      {pending === null ? null : (
        <p class="notice" role="status">
          {words.votes(pending.votes, pending.needed)}
        </p>
      )}
      <Failure failure={refusal} />
    </>
  );
  if (isRemoving)
    return (
      <RemoveQuestion
        {...{ member, admitted, isMembersOnly, isBusy, told, closed }}
        remove={(query) => void run(() => call('DELETE /api/v1/members/{member}', { path, query }))}
      />
    );
  return (
    <Dialog title={name} closed={closed}>
      {state === 'waiting' ? (
        <>
          <p>{words.waits}</p>
          {told}
          <p class="actions">
            <button
              type="button"
              class="primary"
              disabled={isBusy}
              onClick={() => void run(() => call('PUT /api/v1/members/{member}/admission', { path }))}
            >
              {words.admitOf(name)}
            </button>
          </p>
        </>
      ) : (
        <>
          {isMembersOnly ? (
            <form
              onSubmit={(event) => {
                event.preventDefault();
                const body = isAdmin ? { share } : { ...may, share };
                void run(() => call('PATCH /api/v1/members/{member}', { path, body }));
              }}
            >
              {isAdmin ? (
                <p class="soft">{words.adminsMayAll}</p>
              ) : (
                <fieldset>
                  <legend>{words.mayOne}</legend>
                  {(['publish', 'invite'] as const).map((right) => (
                    <label key={right} class="check">
                      <input
                        type="checkbox"
                        checked={may[right]}
                        onChange={(event) => setMay({ ...may, [right]: event.currentTarget.checked })}
                      />
                      <span>{words.grants[right]}</span>
                    </label>
                  ))}
                </fieldset>
              )}
              <ShareChoice share={share} chosen={setShare} />
              {told}
              <button type="submit" class="primary" disabled={isBusy}>
                {text.peer.save}
              </button>
            </form>
          ) : (
            told
          )}
          <hr />
          <p class="actions">
            {isMembersOnly ? (
              <button
                type="button"
                disabled={isBusy}
                onClick={() =>
                  void run(() =>
                    isAdmin
                      ? call('DELETE /api/v1/members/{member}/admin', { path })
                      : call('PUT /api/v1/members/{member}/admin', { path }),
                  )
                }
              >
                {isAdmin ? words.makePlain : words.makeAdmin}
              </button>
            ) : null}
            <button type="button" class="danger" onClick={() => setRemoving(true)}>
              {words.remove}
            </button>
          </p>
        </>
      )}
    </Dialog>
  );
}

/** Says what follows, since it cannot be undone. */
function RemoveQuestion({
  member,
  admitted,
  isMembersOnly,
  isBusy,
  told,
  remove,
  closed,
}: Closable & {
  readonly member: Member;
  readonly admitted: readonly Member[];
  readonly isMembersOnly: boolean;
  readonly isBusy: boolean;
  readonly told: ComponentChildren;
  readonly remove: (how: { readonly purge: boolean; readonly admitted: boolean }) => void;
}) {
  const words = text.people.removal;
  const [purge, setPurge] = useState(false);
  const [withAdmitted, setWithAdmitted] = useState(false);
  const name = visible(member.shownName);
  const held = member.report === null || member.report.used === 0 ? null : size(member.report.used);
  return (
    <Dialog title={words.title(name)} closed={closed}>
      <ul class="follows">
        <li>{words.atOnce}</li>
        <li>{held === null ? words.copies : words.copiesOf(held)}</li>
        <li>{purge ? words.putGoes : words.putStays}</li>
        <li>{words.keeps}</li>
        <li>{isMembersOnly ? words.forGood : words.newKey}</li>
        {member.isAdmin ? <li>{words.admins}</li> : null}
      </ul>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          remove({ purge, admitted: withAdmitted });
        }}
      >
        <label class="check">
          <input type="checkbox" checked={purge} onChange={(event) => setPurge(event.currentTarget.checked)} />
          <span>{words.purge}</span>
        </label>
        {admitted.length === 0 ? null : (
          <label class="check">
            <input
              type="checkbox"
              checked={withAdmitted}
              onChange={(event) => setWithAdmitted(event.currentTarget.checked)}
            />
            <span>{words.admitted(admitted.map(({ shownName }) => visible(shownName)).join(', '))}</span>
          </label>
        )}
        {told}
        <button type="submit" class="danger" disabled={isBusy}>
          {words.remove(name)}
        </button>
      </form>
    </Dialog>
  );
}
