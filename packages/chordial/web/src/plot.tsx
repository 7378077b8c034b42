/**
 * Values over time, stacked, with axes in the reader's language. Drawn as SVG, so that it follows the colours of the page;
 * a pointer, a finger or the arrow keys read single moments, which screen readers hear as the values of a slider.
 */
import type { TargetedPointerEvent } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { areaPath, areas, linePath, niceTop, type Series, sumAt, ticks } from './plot-geometry.ts';
import { axisTime, exactTime } from './shown.ts';
import { text } from './strings/text.ts';

interface PlotProps {
  readonly label: string;
  /** Unix time in seconds. */
  readonly times: readonly number[];
  /** Stacked, the first at the bottom. */
  readonly series: readonly Series[];
  /** Drawn as a line above. */
  readonly limit?: Series;
  readonly shown: (value: number) => string;
  /** The scale reaches at least so far. */
  readonly least: number;
}

const height = 150;
/** Beneath the plot, for times. */
const foot = 20;
/** Above it, for the highest label. */
const head = 16;

export function Plot({ label, times, series, limit, shown, least }: PlotProps) {
  const figure = useRef<HTMLElement>(null);
  const width = useWidth(figure);
  const [read, setRead] = useState<number | null>(null);
  const sums = useMemo(() => times.map((_, place) => sumAt(series, place)), [times, series]);
  const highest = Math.max(0, ...sums.map((sum) => sum ?? 0));
  const bound = Math.max(0, ...(limit?.values ?? []).map((one) => one ?? 0));
  // A limit far above would press all else to the ground.
  const isBoundShown = bound > 0 && highest > bound / 5;
  const top = niceTop(Math.max(least, highest, isBoundShown ? bound : 0));
  const last = times.length - 1;
  const x = (place: number): number => (place / Math.max(1, last)) * width;
  const y = (value: number): number => head + (height - head) * (1 - value / top);
  const known = sums.flatMap((sum, place) => (sum === null ? [] : [place]));
  const most = known.reduce<number | null>(
    (best, place) => (best === null || sums[place]! > sums[best]! ? place : best),
    null,
  );
  const now = known.at(-1);
  const place = read === null ? null : Math.min(read, last);
  const at = place ?? now ?? last;
  const step = (by: number): void => setRead(Math.max(0, Math.min(last, at + by)));

  const point = ({ currentTarget, clientX }: TargetedPointerEvent<HTMLElement>): void => {
    const { left } = currentTarget.getBoundingClientRect();
    setRead(Math.max(0, Math.min(last, Math.round(((clientX - left) / width) * last))));
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    PageDown: () => step(-12),
    PageUp: () => step(12),
    Home: () => setRead(0),
    End: () => setRead(last),
    Escape: () => setRead(null),
  };
  const valueText = valuesAt({ place: at, times, series: [...series, ...(limit === undefined ? [] : [limit])], shown });
  const summary =
    most === null || now === undefined
      ? text.plot.nothing
      : sums[most] === 0
        ? text.plot.none
        : text.plot.summary(shown(sums[now]!), shown(sums[most]!), exactTime(times[most]!));
  return (
    <figure class="plot" ref={figure}>
      <figcaption>
        <strong>{label}</strong>
        <span class="soft">{summary}</span>
      </figcaption>
      <div
        class="area"
        role="slider"
        tabIndex={0}
        aria-label={`${label}: ${summary}`}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={at}
        aria-valuetext={valueText}
        onPointerDown={point}
        onPointerMove={point}
        // A finger that was lifted still reads.
        onPointerLeave={({ pointerType }) => pointerType === 'mouse' && setRead(null)}
        onBlur={() => setRead(null)}
        onKeyDown={(event) => {
          const run = keys[event.key];
          if (run === undefined) return;
          event.preventDefault();
          run();
        }}
      >
        <svg width={width} height={height + foot} aria-hidden="true">
          {[0, 0.5, 1].map((part) => (
            <g key={part}>
              <line class="grid" x1={0} x2={width} y1={y(top * part)} y2={y(top * part)} />
              {part === 0 ? null : (
                <text class="tick" x={0} y={y(top * part) - 4}>
                  {shown(top * part)}
                </text>
              )}
            </g>
          ))}
          {ticks(times, width).map(({ time, isDate }) => {
            const to = ((time - times[0]!) / Math.max(1, times[last]! - times[0]!)) * width;
            return (
              <g key={time}>
                <line class="grid" x1={to} x2={to} y1={height} y2={height + 4} />
                <text class="tick" x={to} y={height + 16} text-anchor="middle">
                  {axisTime(time, isDate)}
                </text>
              </g>
            );
          })}
          {areas(sums, series).map(({ tone, lower, upper, from }) => (
            <path key={`${tone} ${from}`} class={`tone-${tone}`} d={areaPath({ lower, upper, from }, x, y)} />
          ))}
          {limit === undefined || !isBoundShown ? null : <path class="limit" d={linePath(limit.values, x, y)} />}
          {place === null ? null : <line class="cursor" x1={x(place)} x2={x(place)} y1={head} y2={height} />}
        </svg>
      </div>
      <p class="legend" aria-hidden="true">
        <span class="when">{place === null ? text.plot.now : exactTime(times[place]!)}</span>
        {series.map(({ name, values }, tone) => (
          <span key={name}>
            <span class={`swatch tone-${tone}`} /> {name} <b>{shownOr(values[at], shown)}</b>
          </span>
        ))}
        {limit === undefined ? null : (
          <span>
            <span class="swatch limit" /> {limit.name} <b>{shownOr(limit.values[at], shown)}</b>
          </span>
        )}
      </p>
    </figure>
  );
}

function shownOr(value: number | null | undefined, shown: (value: number) => string): string {
  return value === null || value === undefined ? '–' : shown(value);
}

interface Moment {
  readonly place: number;
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly shown: (value: number) => string;
}

function valuesAt({ place, times, series, shown }: Moment): string {
  const time = times[place];
  if (time === undefined) return text.plot.nothing;
  const parts = series.map(({ name, values }) => `${name} ${shownOr(values[place], shown)}`);
  return `${exactTime(time)}: ${parts.join(', ')}`;
}

function useWidth(element: { readonly current: HTMLElement | null }): number {
  const [width, setWidth] = useState(300);
  useEffect(() => {
    const { current } = element;
    if (current === null) return;
    const watch = new ResizeObserver(() => {
      const area = current.querySelector('.area');
      if (area !== null) setWidth(Math.max(100, area.clientWidth));
    });
    watch.observe(current);
    return () => watch.disconnect();
  }, []);
  return width;
}
