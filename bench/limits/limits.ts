/** Limits of the machine, measured in the same run: no transfer can be faster. */
import { rm } from 'node:fs/promises';
import { alternate, type Contender, threeDigits } from '../alternating.ts';
import { debian, needPackages, timedProgram } from '../rivals/program.ts';
import { type BenchOptions, type BenchRow, row } from '../row.ts';
import { loopbackRate } from './loopback.ts';

/** One row each; `ours` is the rate of the transfer. */
export async function limitsOf(
  file: string,
  bytes: number,
  ours: number,
  options: BenchOptions,
): Promise<readonly BenchRow[]> {
  await needPackages([debian.openssl], options.note);
  const perSecond = async (seconds: Promise<number>): Promise<number> => bytes / 1e6 / (await seconds);
  const copy = `${file}.copy`;
  const limits: Contender[] = [
    { name: 'raw TLS', measure: () => loopbackRate('raw TLS', bytes) },
    { name: 'raw HTTP/2', measure: () => loopbackRate('raw HTTP/2', bytes) },
    {
      name: 'openssl dgst -sha256',
      measure: () => perSecond(timedProgram('openssl', ['dgst', '-sha256', file])),
    },
    { name: 'cp', measure: () => perSecond(timedProgram('cp', [file, copy])) },
  ];
  try {
    const measured = await alternate(limits, options);
    return measured.map(({ name, median }) =>
      row(`limit: ${name}`, `${threeDigits(ours)} MB/s`, {
        rival: `${threeDigits(median)} MB/s`,
        ratio: (ours / median).toFixed(2),
      }),
    );
  } finally {
    await rm(copy, { force: true });
  }
}
