/** A number with its unit, as settings and limits are given: `50G`, `20s`, `512`. */
import { useState } from 'preact/hooks';
import { text } from './strings/text.ts';

export interface Unit {
  readonly suffix: string;
  readonly label: string;
}

export const sizeUnits: readonly Unit[] = [
  { suffix: 'T', label: 'TiB' },
  { suffix: 'G', label: 'GiB' },
  { suffix: 'M', label: 'MiB' },
  { suffix: 'K', label: 'KiB' },
  { suffix: '', label: 'B' },
];
export const rateUnits: readonly Unit[] = sizeUnits
  .filter(({ suffix }) => suffix !== 'T')
  .map(({ suffix, label }) => ({ suffix, label: `${label}/s` }));

interface Parts {
  readonly number: string;
  readonly suffix: string;
}

/** Null for what is not written so. */
export function partsOf(quantity: string, units: readonly Unit[]): Parts | null {
  const [, number, given = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(quantity) ?? [];
  if (number === undefined) return null;
  const short = given.replace(/(?<=[kmgt])i?b$/i, '');
  const unit = units.find(({ suffix }) => suffix.toLowerCase() === short.toLowerCase());
  return unit === undefined ? null : { number, suffix: unit.suffix };
}

/** What the units cannot say stays as it was typed, for the peer to refuse. */
export function QuantityField({
  id,
  label,
  value,
  units,
  usual,
  placeholder,
  disabled = false,
  changed,
}: {
  readonly id?: string;
  readonly label: string;
  readonly value: string;
  readonly units: readonly Unit[];
  /** The suffix of an empty field. */
  readonly usual: string;
  readonly placeholder?: string;
  readonly disabled?: boolean;
  readonly changed: (value: string) => void;
}) {
  const [chosen, choose] = useState(usual);
  const { number, suffix } = partsOf(value, units) ?? { number: value, suffix: chosen };
  return (
    <span class="quantity">
      <input
        type="text"
        inputMode="decimal"
        {...(id === undefined ? { 'aria-label': label } : { id })}
        value={number}
        disabled={disabled}
        {...(placeholder === undefined ? {} : { placeholder })}
        onInput={({ currentTarget: { value: typed } }) => {
          const given = typed.trim().replace(',', '.');
          changed(/^[\d.]+$/.test(given) ? `${given}${suffix}` : given);
        }}
      />
      {units.length === 1 ? (
        <span class="soft">{units[0]?.label}</span>
      ) : (
        <select
          aria-label={text.settings.unitOf(label)}
          value={suffix}
          disabled={disabled}
          onChange={({ currentTarget }) => {
            choose(currentTarget.value);
            if (partsOf(value, units) !== null) changed(`${number}${currentTarget.value}`);
          }}
        >
          {units.map((unit) => (
            <option key={unit.suffix} value={unit.suffix}>
              {unit.label}
            </option>
          ))}
        </select>
      )}
    </span>
  );
}
