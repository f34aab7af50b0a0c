// What each function of the SDK gives to the engine, and what it makes of the answer.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compiled } from './compiled.ts';
import { type Call, StubHost, textOf } from './stub-host.ts';

const bytes = await compiled('probe');

function started(): StubHost {
  const host = new StubHost(bytes);
  assert.equal(host.init(), 0);
  host.take();
  return host;
}

/** Gives a command and answers every call but outputs, and the outputs as text. */
function obey(
  host: StubHost,
  command: Record<string, unknown>,
): { calls: readonly Call[]; outputs: string[] } {
  host.deliver({ kind: 1, self: [0, 9], payload: JSON.stringify(command) });
  const all = host.take();
  const outputs = all.filter((call) => call.name === 'output').map((call) => textOf(call.args[0]));
  return { calls: all.filter((call) => call.name !== 'output'), outputs };
}

function readable(call: Call | undefined): unknown[] {
  return [call?.name, ...(call?.args ?? []).map((arg) => (typeof arg === 'number' ? arg : textOf(arg)))];
}

const texts: [Record<string, unknown>, unknown[]][] = [
  [{ do: 'send', text: 'a"ü' }, ['send', 3, 4, '"a\\"ü"']],
  [{ do: 'sendText', text: '😀 plain' }, ['send', 3, 4, '😀 plain']],
  [{ do: 'sendText', text: '' }, ['send', 3, 4, '']],
  [{ do: 'publish', name: 'prices' }, ['publish', 'prices', '[1,-2]']],
  [{ do: 'publishText', name: 'größe', text: 'x' }, ['publish', 'größe', 'x']],
  [{ do: 'subscribe', name: 'a/世界' }, ['subscribe', 'a/世界']],
  [{ do: 'unsubscribe', name: 'a' }, ['unsubscribe', 'a']],
  [{ do: 'join', name: 'room' }, ['join', 'room']],
  [{ do: 'leave', name: 'room' }, ['leave', 'room']],
  [{ do: 'setTimer', number: 5 }, ['set_timer', 5, -7]],
  [{ do: 'cancelTimer', number: 2 }, ['cancel_timer', 2]],
  [{ do: 'log', text: 'careful' }, ['log', 2, 'careful']],
  [{ do: 'terminate' }, ['terminate', 0, 9]],
];
for (const [command, expected] of texts) {
  test(`${command['do']}() gives ${JSON.stringify(expected)} and answers what the engine answered`, () => {
    for (const code of [0, -3]) {
      const host = started();
      host.answers.set(String(expected[0]), () => code);
      const { calls, outputs } = obey(host, command);
      assert.deepEqual(calls.map(readable), [expected]);
      assert.deepEqual(outputs, [String(code)]);
    }
  });
}

test('bytes go out as they are', () => {
  const host = started();
  const given = (command: Record<string, unknown>) => {
    host.deliver({ kind: 1, payload: JSON.stringify(command) });
    return host.take().flatMap((call) => call.args.filter((arg) => typeof arg !== 'number'));
  };
  assert.deepEqual(given({ do: 'sendBytes' })[0], Uint8Array.of(0xfe, 0xfe));
  assert.deepEqual(given({ do: 'publishBytes', name: 't' })[1], Uint8Array.of(254, 254, 254));
  assert.deepEqual(given({ do: 'outputBytes' })[0], Uint8Array.of(254, 254, 254));
});

test('half a surrogate pair becomes U+FFFD, as text must be UTF-8', () => {
  const host = started();
  const { calls } = obey(host, { do: 'sendText', text: 'a\ud800b' });
  assert.equal(textOf(calls[0]?.args[2]), 'a\ufffdb');
});

for (const name of ['find', 'spawn']) {
  test(`${name}() answers the identity that the engine wrote, or null and a code`, () => {
    const host = started();
    host.answers.set(name, (args, memory) => {
      const out = args.at(-1)!;
      memory().setUint32(out, 4_000_000_000, true);
      memory().setUint32(out + 4, 7, true);
      return 0;
    });
    const { calls, outputs } = obey(host, { do: name, name: 'größe/0', text: 'x' });
    assert.deepEqual(readable(calls[0]).slice(0, 2), [name, 'größe/0']);
    if (name === 'spawn') assert.equal(textOf(calls[0]?.args[1]), '"x"');
    assert.deepEqual(outputs, ['4000000000.7']);
    host.answers.set(name, () => -4);
    assert.deepEqual(obey(host, { do: name, name: 'nobody' }).outputs, ['none -4']);
  });
}

test('random numbers are made of the bytes that the engine wrote', () => {
  const host = started();
  const fill = (high: number, low: number) => {
    host.answers.set('random', (args, memory) => {
      memory().setUint32(args[0]!, low, true);
      memory().setUint32(args[0]! + 4, high, true);
      return 0;
    });
  };
  fill(0xffffffff, 0xffffffff);
  assert.deepEqual(obey(host, { do: 'random' }).outputs, [String(1 - 2 ** -53)]);
  fill(0, 0);
  assert.deepEqual(obey(host, { do: 'random' }).outputs, ['0']);
  fill(0x80000000, 0);
  assert.deepEqual(obey(host, { do: 'random' }).outputs, ['0.5']);
  fill(12, 99);
  assert.deepEqual(obey(host, { do: 'randomInt', number: 10 }).outputs, ['2']);
});

test('randomInt() draws again where a draw would favour small numbers', () => {
  const host = started();
  const draws = [0xffffffff, 5];
  host.answers.set('random', (args, memory) => {
    memory().setUint32(args[0]! + 4, draws.shift()!, true);
    return 0;
  });
  const { calls, outputs } = obey(host, { do: 'randomInt', number: 10 });
  assert.deepEqual([calls.length, outputs], [2, ['5']]);
});

test('again(), finish() and fail() are what the entry point answers, once', () => {
  const host = started();
  const answer = (command: unknown) => host.deliver({ kind: 1, payload: JSON.stringify(command) });
  assert.equal(answer({ do: 'again' }), 1);
  assert.equal(answer({ do: 'nothing' }), 0);
  assert.equal(answer({ do: 'finish' }), 2);
  assert.equal(answer({ do: 'fail', number: 7 }), -7);
  assert.equal(host.deliver({ kind: 19 }), 0);
});

test('the first and the last task run their hooks', () => {
  const host = new StubHost(bytes);
  host.init();
  host.shutdown();
  assert.deepEqual(
    host.take('output').map((call) => textOf(call.args[0])),
    ['start', 'shutdown'],
  );
});

test('an unknown kind, of a later ABI, is let pass', () => {
  const host = started();
  assert.equal(host.deliver({ kind: 9, payload: 'x' }), 0);
  assert.deepEqual(host.take(), []);
});
