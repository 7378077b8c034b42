import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InterfaceWatch, type LocalInterface, type NetworkChange } from './interface-watch.ts';

function at(address: string, name = 'eth0', prefix = 24): LocalInterface {
  return { name, addresses: [{ address, prefix }] };
}

const lease = { address: '10.1.0.9', prefix: 24 };

/** A watch on a machine whose addresses and clocks a test sets. */
function watched(...first: readonly LocalInterface[]) {
  let [now, wallTime] = [0, 1e12];
  let due: (() => void) | null = null;
  const machine = { interfaces: first as readonly LocalInterface[] };
  const clock = {
    now: () => now,
    wallTime: () => wallTime,
    after: (_delay: number, run: () => void) => {
      due = run;
      return { cancel: () => (due = null) };
    },
  };
  const watch = new InterfaceWatch(clock, () => machine.interfaces);
  const changes: NetworkChange[] = [];
  const end = watch.onChange((change) => changes.push(change));
  /** So much passes on each clock until the next look. */
  const look = (monotonic = 1000, wall = monotonic) => {
    now += monotonic;
    wallTime += wall;
    due?.();
  };
  return { watch, machine, changes, look, end };
}

test('an address that comes, goes or changes is told once, and nothing while all stays', () => {
  const [cable, wireless] = [at('10.1.0.2'), at('192.168.1.7', 'wlan0')];
  const { watch, machine, changes, look, end } = watched(cable);
  look();
  assert.deepEqual(changes, []);
  machine.interfaces = [at('10.1.0.2'), wireless];
  look();
  look();
  assert.deepEqual(changes.splice(0), [{ added: wireless.addresses, gone: [], slept: 0 }]);
  machine.interfaces = [at('10.1.0.9')];
  look();
  const gone = [...cable.addresses, ...wireless.addresses];
  assert.deepEqual(changes.splice(0), [{ added: [lease], gone, slept: 0 }]);
  assert.deepEqual(watch.current, [at('10.1.0.9')]);
  end();
  machine.interfaces = [];
  look();
  assert.deepEqual(changes, []);
});

test('the same address at another interface, or of a larger network, is a change', () => {
  const { machine, changes, look } = watched(at('10.1.0.2'));
  machine.interfaces = [at('10.1.0.2', 'eth1')];
  look();
  machine.interfaces = [at('10.1.0.2', 'eth1', 8)];
  look();
  assert.equal(changes.length, 2);
});

test('a process that was stopped and a machine that slept tell it at the next look; a busy one and a clock set back do not', () => {
  const { changes, look } = watched(at('10.1.0.2'));
  look(9000);
  look(1000, -3_600_000);
  assert.deepEqual(changes, []);
  // Stopped: both clocks went on. Asleep: only the one that can be set did.
  look(61_000);
  look(1000, 61_000);
  assert.deepEqual(
    changes.map(({ slept }) => slept),
    [60_000, 60_000],
  );
  look();
  assert.equal(changes.length, 2);
});

test('a closed watch looks no more', () => {
  const { watch, machine, changes, look } = watched(at('10.1.0.2'));
  watch.close();
  machine.interfaces = [];
  look();
  assert.deepEqual(changes, []);
});
