/** The short form of attacks as tests, titled with their findings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FindingAttack, maximumHealthMilliseconds, Scene } from './finding.ts';

/**
 * Beside other work of the machine, where the table of `npm run faults -- hostile` allows a quarter of it. What the review
 * saw was seconds to minutes.
 */
const mostMilliseconds = 4 * maximumHealthMilliseconds;

export function testFindings(attacks: readonly FindingAttack[]): void {
  for (const attack of attacks) {
    test(`${attack.finding} ${attack.title}`, { timeout: 180_000 }, async () => {
      const { held, reached, healthMilliseconds } = await Scene.play(attack, true);
      assert.ok(
        healthMilliseconds <= mostMilliseconds,
        `/healthz took ${healthMilliseconds} ms, at most ${mostMilliseconds} are allowed; reached: ${reached}`,
      );
      assert.ok(held, reached);
    });
  }
}
