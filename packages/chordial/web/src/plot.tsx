/** A sparkline of recent values, with the latest as text. */

interface PlotProps {
  readonly label: string;
  readonly values: readonly number[];
  readonly shown: (value: number) => string;
}

const width = 240;
const height = 48;

export function Plot({ label, values, shown }: PlotProps) {
  const top = Math.max(1, ...values);
  const step = values.length < 2 ? 0 : width / (values.length - 1);
  const points = values.map(
    (value, place) => `${(place * step).toFixed(1)},${(height - (value / top) * height).toFixed(1)}`,
  );
  const now = values.at(-1) ?? 0;
  return (
    <figure class="plot">
      <figcaption>
        <span class="soft">{label}</span> <strong>{shown(now)}</strong>
      </figcaption>
      <svg
        viewBox={`0 -2 ${width} ${height + 4}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}, now ${shown(now)}, at most ${shown(top)}`}
      >
        {points.length < 2 ? null : (
          <>
            <polygon points={`0,${height} ${points.join(' ')} ${width},${height}`} />
            <polyline points={points.join(' ')} />
          </>
        )}
      </svg>
    </figure>
  );
}
