/** What is known of one peer, from wherever its name stands; its petname is given here. */
import { useState } from 'preact/hooks';
import { call } from '../api.ts';
import { live, useAnswer } from '../live.ts';
import { Copyable, Dialog, Failure, Moment, openPeer, useAction } from '../parts.tsx';
import { open } from '../route.ts';
import { useShared } from '../shared.ts';
import { decimal, shortPeer, size, visible } from '../shown.ts';
import { text } from '../strings/text.ts';

export function PeerCard() {
  const id = useShared(openPeer);
  return id === null ? null : <Card key={id} id={id} />;
}

function Card({ id }: { readonly id: string }) {
  const { value, failure, again } = useAnswer('GET /api/v1/members', { query: { report: true } }, 5000);
  const { value: peers } = useAnswer('GET /api/v1/peers', { query: { report: true } }, 5000);
  const member = value?.members.find((one) => one.id === id);
  const peer = peers?.peers.find((one) => one.id === id);
  const words = text.peer;
  const report = peer?.report ?? member?.report ?? null;
  const name = member?.shownName ?? peer?.name ?? shortPeer(id);
  return (
    <Dialog title={visible(name)} closed={() => openPeer.set(null)}>
      <Failure failure={failure} again={again} />
      {member?.isSelf ? null : (
        <Petname key={member?.petname ?? ''} id={id} petname={member?.petname ?? peer?.petname ?? null} />
      )}
      <dl>
        {member === undefined || member.name === name ? null : (
          <>
            <dt>{words.ownName}</dt>
            <dd>{visible(member.name)}</dd>
          </>
        )}
        {peer === undefined ? null : (
          <>
            <dt>{words.state}</dt>
            <dd>
              <span class={`state ${peer.state}`}>{words.states[peer.state]}</span>
              {peer.lastHeartbeat === null ? null : (
                <>
                  {' · '}
                  {words.heard} <Moment time={peer.lastHeartbeat} />
                </>
              )}
            </dd>
            <dt>{words.address}</dt>
            <dd>
              {peer.address}
              {peer.zone === null ? '' : ` · ${words.zone(peer.zone)}`}
            </dd>
          </>
        )}
        {peer?.roundTripMilliseconds == null ? null : (
          <>
            <dt>{words.roundTrip}</dt>
            <dd>{decimal(peer.roundTripMilliseconds, 1)} ms</dd>
          </>
        )}
        {peer === undefined || (peer.moved.sent === 0 && peer.moved.received === 0) ? null : (
          <>
            <dt>{words.moved}</dt>
            <dd>{text.people.moving(size(peer.moved.received), size(peer.moved.sent))}</dd>
          </>
        )}
        {report === null ? null : (
          <>
            <dt>{words.gives}</dt>
            <dd>{words.used(size(report.used), size(report.quota))}</dd>
            <dt>{words.version}</dt>
            <dd>{visible(report.version)}</dd>
          </>
        )}
        {member?.admittedAt == null ? null : (
          <>
            <dt>{words.since}</dt>
            <dd>
              <Moment time={member.admittedAt} />
            </dd>
          </>
        )}
        <dt>{words.id}</dt>
        <dd>
          <Copyable text={id} shown={id} what={words.id} />
        </dd>
      </dl>
      {peer === undefined ? null : (
        <p class="soft">
          <a
            href={`/?peer=${id}`}
            onClick={(event) => {
              event.preventDefault();
              openPeer.set(null);
              open(`/?peer=${id}`);
            }}
          >
            {words.browse}
          </a>
        </p>
      )}
    </Dialog>
  );
}

/** The reader's own name for it. */
function Petname({ id, petname }: { readonly id: string; readonly petname: string | null }) {
  const [name, setName] = useState(petname ?? '');
  const words = text.peer;
  const { run, isBusy, refusal } = useAction(async () => {
    const wished = name.trim();
    await call('PUT /api/v1/peers/{id}/name', { path: { id }, body: { name: wished === '' ? null : wished } });
    live.changed();
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void run();
      }}
    >
      <div class="line">
        <label class="grow">
          <span>{words.petname}</span>
          <input
            type="text"
            maxLength={64}
            value={name}
            placeholder={words.none}
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <button type="submit" disabled={isBusy || name.trim() === (petname ?? '')}>
          {words.save}
        </button>
      </div>
      <Failure failure={refusal} />
    </form>
  );
}
