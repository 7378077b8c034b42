/** A small sign in the frame when something needs attention, with what; nothing while all is well. */
import { useAnswer } from './live.ts';
import { follow } from './route.ts';
import { text } from './strings/text.ts';
import { verdictOf } from './verdict.ts';

export function HealthSign() {
  const { value } = useAnswer('GET /api/v1/health', {}, 10_000, 'periodically');
  const verdict = value === null ? null : verdictOf(value);
  if (verdict === null || verdict.level === 'good') return null;
  return (
    <a class={`sign ${verdict.level}`} href="/health" onClick={follow} title={text.health.signs[verdict.kind]}>
      <LevelIcon level={verdict.level} />
      <span>{text.health.signs[verdict.kind]}</span>
    </a>
  );
}

const paths = {
  good: 'M5 12.5l4.5 4.5L19 7.5',
  note: 'M12 8v5.5m0 3v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z',
  bad: 'M12 9.5v4.5m0 3v.01M12 3.5 2.5 20h19Z',
} as const;

/** Of a finding; what it means is said beside it. */
export function LevelIcon({ level }: { readonly level: keyof typeof paths }) {
  return (
    <svg class={`icon level ${level}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[level]} />
    </svg>
  );
}
