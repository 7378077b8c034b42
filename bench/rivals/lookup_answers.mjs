/**
 * What the rivals of bench/lookups.ts share: `{"lookups": N}` on a line of standard input is answered with
 * `{"p50": MS, "p99": MS, "failed": N}`, N lookups one after the other, each of a random value by a random node.
 */
import { createInterface } from 'node:readline';

/** `look(node, value)` resolves with whether it found the value. */
export function answerLookups(nodes, values, look) {
  const any = (list) => list[Math.floor(Math.random() * list.length)];
  createInterface(process.stdin).on('line', async (line) => {
    const { lookups } = JSON.parse(line);
    const taken = [];
    let failed = 0;
    for (let count = 0; count < lookups; count++) {
      const start = performance.now();
      const found = await look(any(nodes), any(values)).catch(() => false);
      if (found) taken.push(performance.now() - start);
      else failed++;
    }
    taken.sort((a, b) => a - b);
    const at = (part) => taken[Math.min(taken.length - 1, Math.floor(part * taken.length))] ?? null;
    console.log(JSON.stringify({ p50: at(0.5), p99: at(0.99), failed }));
  });
  console.log(JSON.stringify({ ready: true }));
}
