/** The limits of a week as a picture that is painted: by pointer, by touch, or with the keys. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LimitsStatus } from '../../../src/client/answers.ts';
import { type Limit, limitText, Timetable, unlimited } from '../../../src/flow/timetable.ts';
import { call } from '../api.ts';
import { useAnswer } from '../live.ts';
import { locale } from '../locale.ts';
import { Failure, isTouched, useAction } from '../parts.tsx';
import { text } from '../strings/text.ts';
import { changesWithinHours, hoursOf, shownHour, timetableText } from '../week.ts';
import { RateField, shownLimit } from './limit.tsx';

const hoursPerDay = 24;
/** Since Sunday, as the hours are counted; shown from Monday on. */
const days = [1, 2, 3, 4, 5, 6, 0] as const;
/** Sunday, 4 January 1970. */
const sundayMilliseconds = 3 * 86_400_000;
const usualRates = ['1M:off', '256K:2M'] as const;
const maxRates = 6;
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Rates by which the hours are painted, as texts; the first two are fixed. */
interface Painting {
  readonly brushes: readonly string[];
  /** A brush for each hour since Sunday 00:00. */
  readonly hours: readonly number[];
}

/** Between two hours in the order in which they are shown. */
interface Block {
  readonly from: number;
  readonly to: number;
}

export function WeekPlan() {
  const { value, failure, again } = useAnswer('GET /api/v1/limits', {}, 10_000);
  const [kept, setKept] = useState<string | null>(null);
  if (value === null) return <Failure failure={failure} again={again} />;
  const keep = async (limit: string | null): Promise<void> => {
    await call('PUT /api/v1/limits', { body: { limit } });
    setKept(limit);
    again();
  };
  return <WeekEditor status={value} keep={keep} isKept={value.usual === kept} />;
}

interface WeekEditorProps {
  readonly status: LimitsStatus;
  /** Null: what the settings say. */
  readonly keep: (limit: string | null) => Promise<void>;
  readonly isKept: boolean;
}

function WeekEditor({ status, keep, isKept }: WeekEditorProps) {
  const { usual, configured, minuteOfWeek } = status;
  const read = parsed(usual);
  const kept = read instanceof Timetable ? read : Timetable.parse('off', '');
  const [painting, setPainting] = useState(() => paintingOf(kept));
  const [before, setBefore] = useState<readonly Painting[]>([]);
  const [brush, setBrush] = useState(2);
  /** What was typed holds until something is painted. */
  const [typed, setTyped] = useState<string | null>(usual);
  const [shown, setShown] = useState(usual);
  const saving = useAction(keep);
  const given = typed ?? textOf(painting);
  const timetable = parsed(given);
  const reset = (): void => {
    setPainting(paintingOf(kept));
    setTyped(usual);
    setBefore([]);
  };
  if (shown !== usual) {
    setShown(usual);
    // What is not saved stays, also when the answer to a save arrives late.
    if (given.trim() === shown || given.trim() === usual) reset();
  }
  const paint = (next: Painting): void => {
    setBefore([...before, painting].slice(-50));
    setPainting(next);
    setTyped(null);
  };
  const fill = (hours: readonly number[]): void => {
    const chosen = new Set(hours);
    paint({ ...painting, hours: painting.hours.map((held, hour) => (chosen.has(hour) ? brush : held)) });
  };
  const setRate = (index: number, rate: string): void => {
    setPainting({ ...painting, brushes: painting.brushes.map((one, at) => (at === index ? rate : one)) });
    setTyped(null);
  };
  const undo = (): void => {
    const last = before.at(-1);
    if (last === undefined) return;
    setPainting(last);
    setBefore(before.slice(0, -1));
    setTyped(null);
  };
  const type = (to: string): void => {
    setTyped(to);
    const read = parsed(to);
    if (read instanceof Timetable) setPainting(paintingOf(read, painting.brushes));
  };
  const isChanged = given.trim() !== usual;
  return (
    <div class="week">
      <p class="soft">{text.limit.weekHelp}</p>
      <fieldset class="brushes">
        <legend class="unseen">{text.limit.brushes}</legend>
        {painting.brushes.map((rate, index) => (
          <div class={`brush ${index === brush ? 'chosen' : ''}`} key={index}>
            <label>
              <input type="radio" name="brush" checked={index === brush} onChange={() => setBrush(index)} />
              <span class={`sample b${index}`} aria-hidden="true">
                {letterOf(index)}
              </span>
              <span>{index < 2 ? text.limit.kinds[rate as 'off' | 'stop'] : text.limit.rate(letterOf(index))}</span>
            </label>
            {index < 2 ? null : <RateField value={rate} kinds={['rate']} changed={(to) => setRate(index, to)} />}
          </div>
        ))}
        {painting.brushes.length - 2 < maxRates ? (
          <button
            type="button"
            class="plain"
            onClick={() => {
              setPainting({ ...painting, brushes: [...painting.brushes, '4M'] });
              setBrush(painting.brushes.length);
            }}
          >
            {text.limit.addRate}
          </button>
        ) : null}
      </fieldset>
      <ChosenHours fill={fill} />
      <WeekGrid
        painting={painting}
        now={Math.floor(minuteOfWeek / 60)}
        fill={(block) => fill(hoursOfBlock(block))}
        choose={(index) => {
          if (index < painting.brushes.length) setBrush(index);
        }}
        undo={undo}
      />
      {typed !== null && timetable instanceof Timetable && changesWithinHours(timetable) ? (
        <p class="soft">{text.limit.withinHours}</p>
      ) : null}
      <label class="as-text">
        <span class="soft">{text.limit.asText}</span>
        <textarea
          rows={2}
          spellcheck={false}
          value={given}
          aria-invalid={!(timetable instanceof Timetable)}
          onInput={(event) => type(event.currentTarget.value)}
        />
      </label>
      {timetable instanceof Timetable ? null : (
        <p class="failure" role="alert">
          {timetable}
        </p>
      )}
      <Failure failure={saving.refusal} />
      <p class="actions">
        <button
          type="button"
          class="primary"
          disabled={saving.isBusy || !isChanged || !(timetable instanceof Timetable)}
          onClick={() => void saving.run(given.trim())}
        >
          {text.limit.saveWeek}
        </button>
        <button type="button" disabled={before.length === 0} onClick={undo}>
          {text.settings.undo}
        </button>
        {isChanged ? (
          <button type="button" onClick={reset}>
            {text.limit.discard}
          </button>
        ) : usual === configured ? null : (
          <button type="button" disabled={saving.isBusy} onClick={() => void saving.run(null)}>
            {text.limit.asInFile}
          </button>
        )}
      </p>
      {isKept && !isChanged ? (
        <p class="soft" role="status">
          {text.settings.savedNow}
        </p>
      ) : null}
    </div>
  );
}

/** Rows in the order in which they are shown: first and last. */
const stretches = [[0, 4], [5, 6], [0, 6], ...days.map((_, row) => [row, row] as const)] as const;

/** The same without aiming: working hours at first. */
function ChosenHours({ fill }: { readonly fill: (hours: readonly number[]) => void }) {
  const [stretch, setStretch] = useState(0);
  const [from, setFrom] = useState(9);
  const [to, setTo] = useState(17);
  const [first, last] = stretches[stretch] ?? stretches[0];
  const isIn = (hour: number): boolean => (from < to ? from <= hour && hour < to : from <= hour || hour < to);
  const hours = days.slice(first, last + 1).flatMap((day) =>
    Array.from({ length: hoursPerDay }, (_, hour) => hour)
      .filter(isIn)
      .map((hour) => day * hoursPerDay + hour),
  );
  const select = (label: string, value: number, options: readonly string[], chosen: (value: number) => void) => (
    <label>
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => chosen(Number(currentTarget.value))}>
        {options.map((shown, index) => (
          <option key={shown} value={index}>
            {shown}
          </option>
        ))}
      </select>
    </label>
  );
  const words = text.limit;
  const clock = Array.from({ length: hoursPerDay }, (_, hour) => shownHour(hour));
  return (
    <div class="line">
      {select(words.onDays, stretch, stretches.map(shownStretch), setStretch)}
      {select(words.from, from, clock, setFrom)}
      {select(words.to, to, clock, setTo)}
      <button type="button" onClick={() => fill(hours)}>
        {words.paint}
      </button>
    </div>
  );
}

function shownStretch([first, last]: readonly [number, number]): string {
  if (first === 0 && last === 6) return text.limit.everyDay;
  const [from = '', to = ''] = [first, last].map((row) => dayName(days[row] ?? 0, first === last ? 'long' : 'short'));
  return first === last ? from : `${from} – ${to}`;
}

interface GridProps {
  readonly painting: Painting;
  /** The hour that it is, since Sunday 00:00. */
  readonly now: number;
  readonly fill: (block: Block) => void;
  readonly choose: (brush: number) => void;
  readonly undo: () => void;
}

/** Cells are counted in the order in which they are shown. */
function WeekGrid({ painting, now, fill, choose, undo }: GridProps) {
  const table = useRef<HTMLTableElement>(null);
  const [block, setBlock] = useState<Block>({ from: 0, to: 0 });
  const [isPainting, setPainting] = useState(false);
  const [hasFocus, setFocus] = useState(false);
  useEffect(() => {
    if (hasFocus) cellAt(table.current, block.to)?.focus({ preventScroll: true });
  }, [block.to]);
  const chosen = new Set(cellsOf(block));

  const pointerDown = (event: PointerEvent): void => {
    const cell = cellUnder(event);
    if (cell === null || event.button !== 0 || !event.isPrimary) return;
    setBlock({ from: event.shiftKey ? block.from : cell, to: cell });
    setPainting(true);
    // Later moves come here, also those beyond the cell.
    (event.target as Element).releasePointerCapture(event.pointerId);
    table.current?.setPointerCapture(event.pointerId);
  };
  const pointerMove = (event: PointerEvent): void => {
    if (!isPainting || !event.isPrimary) return;
    const cell = cellUnder(event);
    if (cell !== null && cell !== block.to) setBlock({ ...block, to: cell });
  };
  const pointerUp = (event: PointerEvent): void => {
    if (!isPainting || !event.isPrimary) return;
    setPainting(false);
    fill(block);
  };
  const keyDown = (event: KeyboardEvent): void => {
    const { key, shiftKey, ctrlKey, metaKey } = event;
    if ((ctrlKey || metaKey) && key.toLowerCase() === 'a') setBlock({ from: 0, to: 7 * hoursPerDay - 1 });
    else if ((ctrlKey || metaKey) && key.toLowerCase() === 'z') undo();
    else if (ctrlKey || metaKey || event.altKey) return;
    else if (key === ' ' || key === 'Enter') fill(block);
    else if (/^[1-9]$/.test(key)) choose(Number(key) - 1);
    else {
      const to = moved(block.to, key);
      if (to === null) return;
      setBlock({ from: shiftKey ? block.from : to, to });
    }
    event.preventDefault();
  };
  return (
    <>
      <table
        ref={table}
        class="week-grid"
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: cells are chosen and painted.
        role="grid"
        aria-label={text.limit.week}
        aria-multiselectable="true"
        onPointerDown={pointerDown}
        onPointerMove={pointerMove}
        onPointerUp={pointerUp}
        onPointerCancel={() => setPainting(false)}
        onKeyDown={keyDown}
        onFocusIn={({ target }) => {
          setFocus(true);
          const cell = cellOf(target as Element);
          if (cell !== null && cell !== block.to && !isPainting) setBlock({ from: cell, to: cell });
        }}
        onFocusOut={() => setFocus(false)}
      >
        <thead>
          <tr>
            <td />
            {Array.from({ length: hoursPerDay }, (_, hour) => (
              <th scope="col" key={hour}>
                {hour % 3 === 0 ? <span aria-hidden="true">{hour}</span> : null}
                <span class="unseen">{shownHour(hour)}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {days.map((day, row) => (
            <tr key={day}>
              <th scope="row">
                <button
                  type="button"
                  title={text.limit.wholeDay(dayName(day, 'long'))}
                  aria-label={`${dayName(day, 'short')}: ${text.limit.wholeDay(dayName(day, 'long'))}`}
                  onClick={() => fill({ from: row * hoursPerDay, to: row * hoursPerDay + hoursPerDay - 1 })}
                >
                  {dayName(day, 'short')}
                </button>
              </th>
              {Array.from({ length: hoursPerDay }, (_, hour) => {
                const cell = row * hoursPerDay + hour;
                const held = painting.hours[day * hoursPerDay + hour] ?? 0;
                const isNow = day * hoursPerDay + hour === now;
                return (
                  <td
                    key={hour}
                    // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: it is chosen and painted.
                    role="gridcell"
                    data-cell={cell}
                    tabIndex={cell === block.to ? 0 : -1}
                    class={`b${held}${isNow ? ' now' : ''}`}
                    aria-selected={chosen.has(cell) && (isPainting || hasFocus)}
                    aria-current={isNow ? 'time' : undefined}
                    aria-label={`${dayName(day, 'long')} ${shownHour(hour)}: ${shownBrush(painting, held)}`}
                  >
                    {letterOf(held)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="soft readout" role="status">
        {isPainting || hasFocus ? shownBlock(block) : isTouched ? null : text.limit.hint}
      </p>
    </>
  );
}

function cellUnder({ clientX, clientY }: PointerEvent): number | null {
  return cellOf(document.elementFromPoint(clientX, clientY));
}

function cellOf(element: Element | null): number | null {
  const cell = element?.closest<HTMLElement>('[data-cell]') ?? null;
  return cell === null ? null : Number(cell.dataset['cell']);
}

function cellAt(table: HTMLTableElement | null, cell: number): HTMLElement | null {
  return table?.querySelector<HTMLElement>(`[data-cell="${cell}"]`) ?? null;
}

/** Null for keys that do not move. */
function moved(cell: number, key: string): number | null {
  const [row, hour] = [Math.floor(cell / hoursPerDay), cell % hoursPerDay];
  const at = (toRow: number, toHour: number): number =>
    Math.min(6, Math.max(0, toRow)) * hoursPerDay + Math.min(hoursPerDay - 1, Math.max(0, toHour));
  switch (key) {
    case 'ArrowLeft':
      return at(row, hour - 1);
    case 'ArrowRight':
      return at(row, hour + 1);
    case 'ArrowUp':
      return at(row - 1, hour);
    case 'ArrowDown':
      return at(row + 1, hour);
    case 'Home':
      return at(row, 0);
    case 'End':
      return at(row, hoursPerDay - 1);
    default:
      return null;
  }
}

/** A rectangle of days and hours. */
function cellsOf({ from, to }: Block): readonly number[] {
  const [first, last] = [Math.min(rowOf(from), rowOf(to)), Math.max(rowOf(from), rowOf(to))];
  const [begin, end] = [Math.min(from % hoursPerDay, to % hoursPerDay), Math.max(from % hoursPerDay, to % hoursPerDay)];
  const cells: number[] = [];
  for (let row = first; row <= last; row++)
    for (let hour = begin; hour <= end; hour++) cells.push(row * hoursPerDay + hour);
  return cells;
}

function rowOf(cell: number): number {
  return Math.floor(cell / hoursPerDay);
}

function hoursOfBlock(block: Block): readonly number[] {
  return cellsOf(block).map((cell) => (days[rowOf(cell)] ?? 0) * hoursPerDay + (cell % hoursPerDay));
}

function shownBlock(block: Block): string {
  const cells = cellsOf(block);
  const [first = 0, last = 0] = [cells[0], cells.at(-1)];
  const [from = 0, to = 0] = [days[rowOf(first)], days[rowOf(last)]];
  const shown = from === to ? dayName(from, 'long') : `${dayName(from, 'long')} – ${dayName(to, 'long')}`;
  return `${shown}, ${shownHour(first % hoursPerDay)} – ${shownHour((last % hoursPerDay) + 1)}`;
}

function dayName(day: number, weekday: 'short' | 'long'): string {
  const time = sundayMilliseconds + day * 86_400_000;
  return new Intl.DateTimeFormat(locale, { weekday, timeZone: 'UTC' }).format(time);
}

/** Also told apart without colour. */
function letterOf(brush: number): string {
  if (brush === 0) return '';
  return brush === 1 ? '×' : (letters[brush - 2] ?? '?');
}

function shownBrush({ brushes }: Painting, brush: number): string {
  const shown = shownLimit(brushes[brush] ?? 'off');
  return brush < 2 ? shown : `${letterOf(brush)}, ${shown}`;
}

/** The rates of the timetable, then those there were before. */
function paintingOf(timetable: Timetable, others: readonly string[] = ['off', 'stop', ...usualRates]): Painting {
  const limits = hoursOf(timetable);
  const brushes = ['off', 'stop'];
  for (const rate of [...limits.map(limitText), ...others]) {
    const isRoom = brushes.length - 2 < usualRates.length || limits.some((limit) => limitText(limit) === rate);
    if (isRoom && !brushes.includes(rate)) brushes.push(rate);
  }
  return { brushes, hours: limits.map((limit) => brushes.indexOf(limitText(limit))) };
}

/** A rate that is being typed is not one yet: it stays as it is, for the parser to refuse. */
function textOf({ brushes, hours }: Painting): string {
  const limits = brushes.map(limitOf);
  const bad = brushes.find((_, index) => limits[index] === null && hours.includes(index));
  return bad ?? timetableText(hours.map((brush) => limits[brush] ?? unlimited));
}

function limitOf(rate: string): Limit | null {
  const read = parsed(rate);
  return read instanceof Timetable ? read.limitAt(0) : null;
}

/** Else why it is none. */
function parsed(given: string): Timetable | string {
  try {
    return Timetable.parse(given, text.limit.theLimit);
  } catch (error) {
    return (error as Error).message;
  }
}
