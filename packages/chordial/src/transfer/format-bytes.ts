const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Formats sizes in powers of 1024: `0 B`, `1.50 KiB`, `17.3 MiB`. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 1024 && unit < units.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${amount} B` : `${amount.toFixed(amount < 10 ? 2 : 1)} ${units[unit]}`;
}
