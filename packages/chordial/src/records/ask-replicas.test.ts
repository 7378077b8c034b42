import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskPolicy, AskReplicas } from './ask-replicas.ts';

/** Hosts a, b, c, …, each of which answers or fails when the test says so. */
function scene(hosts: string, policy: Partial<AskPolicy<string, string>> = {}) {
  const events: string[] = [];
  const open = new Map<string, PromiseWithResolvers<string>>();
  const asking: AskReplicas<string, string> = new AskReplicas([...hosts], {
    need: 2,
    ask: (host) => {
      events.push(`ask ${host}`);
      const answer = Promise.withResolvers<string>();
      open.set(host, answer);
      return answer.promise;
    },
    answered: (host, answer) => {
      events.push(`${host} says ${answer}`);
      return answer === 'nothing';
    },
    failed: (host) => {
      events.push(`${host} fails`);
      return true;
    },
    isEnough: () => events.some((event) => event.endsWith('says it')),
    ...policy,
  });
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
  const say = (host: string, answer: string): Promise<void> => {
    open.get(host)!.resolve(answer);
    return settled();
  };
  const fail = (host: string): Promise<void> => {
    open.get(host)!.reject(new Error(`${host} is gone`));
    return settled();
  };
  const taken = () => events.splice(0);
  return { asking, say, fail, taken };
}

test('as many as are needed are asked at once, and the next one in place of each that fails or has nothing', async () => {
  const { asking, say, fail, taken } = scene('abcd');
  const over = asking.run();
  assert.deepEqual(taken(), ['ask a', 'ask b']);
  await fail('a');
  assert.deepEqual(taken(), ['a fails', 'ask c']);
  await say('b', 'nothing');
  assert.deepEqual(taken(), ['b says nothing', 'ask d']);
  assert.deepEqual([...asking.pending], ['c', 'd']);
  await say('c', 'something');
  assert.deepEqual([asking.isOver, asking.askedCount], [false, 4]);
  await fail('d');
  await over;
});

test('it is over when it is enough, and what comes later changes nothing', async () => {
  const { asking, say, fail, taken } = scene('abcd');
  const over = asking.run();
  await say('b', 'it');
  await over;
  assert.deepEqual([...asking.pending], ['a']);
  taken();
  asking.hedge();
  await fail('a');
  assert.deepEqual([taken(), asking.pending.size], [['a fails'], 0]);
});

test('an answer that comes when it is over is not told', async () => {
  const { asking, say, taken } = scene('abcd');
  const over = asking.run();
  await say('a', 'it');
  await over;
  taken();
  await say('b', 'nothing');
  assert.deepEqual(taken(), []);
});

test('a silent host is hedged with the next one, and its own answer counts still', async () => {
  const asked: string[] = [];
  const { asking, say, taken } = scene('abc', { need: 1, asked: (host) => asked.push(host) });
  const over = asking.run();
  asking.hedge();
  assert.deepEqual(
    [asked, taken()],
    [
      ['a', 'b'],
      ['ask a', 'ask b'],
    ],
  );
  await say('a', 'it');
  await over;
});

test('the asker may go on with more hosts or end it, after each change, while it is not enough', async () => {
  let changes = 0;
  const { asking, say, taken } = scene('abcdef', {
    goOn: () => {
      changes += 1;
      if (asking.pending.size === 0) asking.askNext(3);
      else if (changes === 4) asking.end();
    },
  });
  const over = asking.run();
  await say('a', 'something');
  assert.equal(asking.isOver, false);
  taken();
  await say('b', 'something');
  assert.deepEqual(taken(), ['b says something', 'ask c', 'ask d', 'ask e']);
  await say('c', 'something');
  await over;
  assert.deepEqual([...asking.pending], ['d', 'e']);
});

test('without hosts it is over at once; an error that the asker throws, or ends it with, is that of the whole', async () => {
  await scene('').asking.run();
  const refused = scene('ab', {
    failed: (_, error) => {
      throw error;
    },
  });
  const rejected = assert.rejects(refused.asking.run(), /a is gone/);
  await refused.fail('a');
  await rejected;
  const ended = scene('ab');
  ended.asking.end(new Error('interrupted'));
  await assert.rejects(ended.asking.run(), /interrupted/);
  assert.deepEqual(ended.taken(), []);
});
