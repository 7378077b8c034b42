/** The limit on what this peer moves: what holds now and until when, and another for a while. */
import { useState } from 'preact/hooks';
import type { LimitsStatus } from '../../../src/client/answers.ts';
import { call } from '../api.ts';
import { useAnswer } from '../live.ts';
import { Failure, SpanSelect, useAction } from '../parts.tsx';
import { partsOf, QuantityField, rateUnits } from '../quantity.tsx';
import { moment } from '../shown.ts';
import { text } from '../strings/text.ts';

const hourMilliseconds = 3_600_000;
/** Hours; null: until another is set. */
const spans = { hour: 1, hours: 8, day: 24, changed: null } as const;
type Span = keyof typeof spans;

/** Folded where it is beside the matter. */
export function LimitLine({ isOpen = false }: { readonly isOpen?: boolean }) {
  const { value, failure, again } = useAnswer('GET /api/v1/limits', {}, 5000);
  const [typed, setTyped] = useState<string | null>(null);
  const [span, setSpan] = useState<Span>('hour');
  const setting = useAction(async (limit: string | null, hours: number | null) => {
    const length = hours === null ? {} : { milliseconds: hours * hourMilliseconds };
    await call('PUT /api/v1/limits', { body: { limit, ...length } });
    // What was typed meanwhile stays.
    setTyped((now) => (now === typed ? null : now));
    again();
  });
  if (value === null) return <Failure failure={failure} again={again} />;
  const { source, usual, configured } = value;
  return (
    <details class="limit" open={isOpen}>
      <summary>{held(value)}</summary>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          void setting.run(typed ?? value.limit, spans[span]);
        }}
      >
        <RateField value={typed ?? value.limit} changed={setTyped} />
        <SpanSelect label={text.limit.howLong} spans={text.limit.spans} value={span} changed={setSpan} />
        <button type="submit" class="primary" disabled={setting.isBusy}>
          {text.limit.set}
        </button>
        {source === 'settings' ? null : (
          <button
            type="button"
            disabled={setting.isBusy}
            onClick={() => void setting.run(source === 'command' || usual === configured ? null : usual, null)}
          >
            {source === 'command' ? text.limit.asSettings(shownRate(configured)) : text.limit.end}
          </button>
        )}
      </form>
      <Failure failure={setting.refusal ?? failure} />
    </details>
  );
}

type Kind = 'off' | 'stop' | 'rate';

/** A limit as it is given: `off`, `stop`, `2M`, `512K:2M`. */
export function RateField({
  value,
  changed,
  kinds = ['off', 'rate', 'stop'],
}: {
  readonly value: string;
  readonly changed: (value: string) => void;
  readonly kinds?: readonly Kind[];
}) {
  const kind: Kind = value === 'off' || value === 'stop' ? value : 'rate';
  const [up = '', down = up] = value.split(':');
  return (
    <>
      {kinds.length === 1 ? null : (
        <label>
          <span>{text.limit.what}</span>
          <select
            value={kind}
            onChange={({ currentTarget }) => changed(currentTarget.value === 'rate' ? '1M' : currentTarget.value)}
          >
            {kinds.map((one) => (
              <option key={one} value={one}>
                {text.limit.kinds[one]}
              </option>
            ))}
          </select>
        </label>
      )}
      {kind === 'rate' ? (
        <>
          <Way label={text.limit.up} value={up} changed={(to) => changed(joined(to, down))} />
          <Way label={text.limit.down} value={down} changed={(to) => changed(joined(up, to))} />
        </>
      ) : null}
    </>
  );
}

/** An empty field is no limit. */
function Way({
  label,
  value,
  changed,
}: {
  readonly label: string;
  readonly value: string;
  readonly changed: (value: string) => void;
}) {
  return (
    <div class="way">
      <span aria-hidden="true">{label}</span>
      <QuantityField
        label={label}
        value={value === 'off' ? '' : value}
        units={rateUnits}
        usual="M"
        placeholder="∞"
        changed={(to) => changed(to === '' ? 'off' : to)}
      />
    </div>
  );
}

function joined(up: string, down: string): string {
  // Both without a limit would be `off`, and hide the fields that are being filled.
  return up === down && up !== 'off' ? up : `${up}:${down}`;
}

function held({ limit, until, next, source }: LimitsStatus): string {
  const now = text.limit.now(shownLimit(limit));
  if (until === null || next === null) return source === 'settings' ? now : `${now} ${text.limit.setHere}`;
  return `${now}, ${text.limit.after(moment(until), shownLimit(next))}`;
}

/** Of a limit, or of a timetable that has several. */
function shownRate(limit: string): string {
  return limit.includes(',') ? text.limit.timetable : shownLimit(limit);
}

export function shownLimit(limit: string): string {
  if (limit === 'stop' || limit === 'off') return text.limit.held[limit];
  const [up = '', down = up] = limit.split(':').map(shownWay);
  return up === down ? text.limit.held.both(up) : text.limit.held.ways(up, down);
}

function shownWay(rate: string): string {
  if (rate === 'off') return text.limit.none;
  const parts = partsOf(rate, rateUnits);
  const unit = rateUnits.find(({ suffix }) => suffix === parts?.suffix);
  return parts === null || unit === undefined ? rate : `${parts.number} ${unit.label}`;
}
