/** Runs the short form of attacks as tests, titled with their findings. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FindingAttack, Scene } from './finding.ts';

export function testFindings(attacks: readonly FindingAttack[]): void {
  for (const attack of attacks) {
    test(`${attack.finding} ${attack.title}`, { timeout: 180_000 }, async () => {
      const { held, reached, healthMilliseconds } = await Scene.play(attack, true);
      assert.ok(held, `${reached}; /healthz took ${healthMilliseconds} ms at most`);
    });
  }
}
