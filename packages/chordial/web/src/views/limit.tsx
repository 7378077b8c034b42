/** The limit on what this peer moves: what holds now and until when, and how to change it. */
import { useState } from 'preact/hooks';
import type { LimitsStatus } from '../../../src/client/answers.ts';
import { type ApiFailure, call } from '../api.ts';
import { useAnswer } from '../live.ts';
import { Failure } from '../parts.tsx';
import { moment, rate } from '../shown.ts';

const hourMilliseconds = 3_600_000;
const spans = [
  { label: 'until it is changed', hours: null },
  { label: 'for an hour', hours: 1 },
  { label: 'for 8 hours', hours: 8 },
  { label: 'for a day', hours: 24 },
] as const;

export function LimitLine() {
  const { value, failure, again } = useAnswer('GET /api/v1/limits', {}, 5000);
  const [typed, setTyped] = useState<string | null>(null);
  const [span, setSpan] = useState(0);
  const [refusal, setRefusal] = useState<ApiFailure | null>(null);
  const set = async (limit: string | null): Promise<void> => {
    const hours = limit === null ? null : (spans[span]?.hours ?? null);
    const length = hours === null ? {} : { milliseconds: hours * hourMilliseconds };
    try {
      await call('PUT /api/v1/limits', { body: { limit, ...length } });
      setRefusal(null);
      setTyped(null);
      again();
    } catch (error) {
      setRefusal(error as ApiFailure);
    }
  };
  if (value === null) return <Failure failure={failure} again={again} />;
  return (
    <details class="limit">
      <summary>
        Limit: {held(value)}
        {value.until === null ? '' : `, until ${moment(value.until)}, then ${value.next}`}
      </summary>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          void set(typed ?? value.timetable);
        }}
      >
        <label class="grow">
          <span>A rate such as 2M or 512k:2M (up:down), off, stop, or a timetable</span>
          <input
            type="text"
            required
            value={typed ?? value.timetable}
            placeholder="08:00,512k:2M Mon-18:00,10M 23:00,off"
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
        <label>
          <span>How long</span>
          <select value={span} onChange={(event) => setSpan(Number(event.currentTarget.value))}>
            {spans.map(({ label }, index) => (
              <option key={label} value={index}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" class="primary">
          Set
        </button>
        {value.source === 'settings' ? null : (
          <button type="button" onClick={() => void set(null)}>
            As in the settings
          </button>
        )}
      </form>
      <Failure failure={refusal ?? failure} again={again} />
    </details>
  );
}

function held({ isStopped, up, down }: LimitsStatus): string {
  if (isStopped) return 'stop, puts and gets wait';
  if (up === null && down === null) return 'off';
  const one = (bytes: number | null): string => (bytes === null ? 'no limit' : rate(bytes));
  return `${one(up)} up, ${one(down)} down`;
}
