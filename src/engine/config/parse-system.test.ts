// The two doors without files: what is taken, what is refused, and in which words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { capabilities } from '../../abi/host-functions.ts';
import { EngineError } from '../../base/errors.ts';
import { agentLimitDefaults, runLimitDefaults } from '../../base/limits.ts';
import { normalise } from './file-form.ts';
import { parseConfig, parseSystem } from './parse-system.ts';
import type { Problem } from './problems.ts';
import { normalisedBytes, type SystemConfig } from './system-config.ts';

const allCapabilities = capabilities.map((name) => JSON.stringify(name)).join(', ');
const minimal = '[agents.a]\nmodule = "a.wasm"\n';

async function refusal(
  work: Promise<unknown>,
): Promise<{ error: EngineError; problems: readonly Problem[] }> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof EngineError, String(error));
    assert.equal(error.code, 'config-invalid');
    return { error, problems: error.details.problems as readonly Problem[] };
  }
  throw new assert.AssertionError({ message: 'nothing was refused' });
}

/** The rendered problems of a text, without the headline. */
async function problemsOf(text: string): Promise<string[]> {
  const { error } = await refusal(parseSystem(text, 's.toml'));
  return error.message
    .split('\n')
    .slice(1)
    .map((line) => line.trim().replace(allCapabilities, 'CAPABILITIES'));
}

async function configOf(text: string): Promise<SystemConfig> {
  const { system } = await parseSystem(text, 's.toml');
  return normalise(system, new Map(Object.keys(system.agents).map((name) => [name, 'ab'.repeat(32)])));
}

test('a file with one module gets every default', async () => {
  assert.deepEqual(await configOf(minimal), {
    format: 1,
    run: { seed: 0, tickMs: 10, policy: 'fifo', ageTicks: 0, ...runLimitDefaults },
    agents: [
      {
        name: 'a',
        module: 'ab'.repeat(32),
        count: null,
        capabilities: [],
        subscriptions: [],
        channels: [],
        everyTick: false,
        config: null,
        limits: agentLimitDefaults,
        overflow: 'block',
        restart: { policy: 'never', restartsMax: 5, backoffTicks: 1, backoffTicksMax: 1024, imageTicks: 100 },
        onFault: null,
      },
    ],
    topics: [],
    models: [],
  });
});

test('who is told of faults: the agent that a declaration names, or the one that the run names, and it must be there', async () => {
  const text = `
[run]
onFault = "boss"
[agents.boss]
module = "b.wasm"
[agents.a]
module = "a.wasm"
count = 2
[agents.b]
module = "b.wasm"
onFault = "a/1"`;
  assert.deepEqual(
    (await configOf(text)).agents.map(({ onFault }) => onFault),
    ['boss', 'boss', 'a/1'],
  );
  for (const [wrong, message] of [
    ['onFault = "bos"', /agent "bos" is not declared; did you mean "boss"\?/],
    ['onFault = "boss/0"', /no agent "boss\/0" is there from the start; wanted "boss"/],
    ['onFault = "a"', /no agent "a" is there from the start; wanted one of "a\/0" to "a\/1"/],
    ['onFault = "a/2"', /no agent "a\/2"/],
    ['onFault = "nobody"', /agent "nobody" is not declared; wanted one of "boss", "a", "b"$/],
    ['onFault = ""', /^[^\n]*\n[^\n]*run\.onFault: found "", wanted the name of an agent$/],
  ] as const) {
    const broken = text.replace('onFault = "boss"', wrong);
    await assert.rejects(configOf(broken), message, wrong);
  }
});

test('a first wait that is longer than the longest is a problem, that of the defaults too', async () => {
  for (const [keys, message] of [
    [
      'backoffTicks = 5000',
      /agents\.a\.restart\.backoffTicks: found 5000, wanted at most "backoffTicksMax", which is 1024/,
    ],
    ['backoffTicks = 9, backoffTicksMax = 8', /found 9, wanted at most "backoffTicksMax", which is 8/],
  ] as const) {
    const text = `[agents.a]\nmodule = "a.wasm"\nrestart = { policy = "from-init", ${keys} }`;
    await assert.rejects(configOf(text), message);
    await configOf(text.replace('Ticks = 9', 'Ticks = 8').replace('5000', '1024'));
  }
});

test('problems of models are told with their places', async () => {
  const hash = 'ab'.repeat(32);
  const text = `[agents.a]
module = "a.wasm"
[models.one]
folder = "m"
versions = { 1 = "${hash}", 2 = "${hash}" }
[models.two]
folder = "m"
versions = { "../x" = "AB" }
version = "3"
mode = "fast"
[models.three]
versions = {}
latencyTicks = 0
`;
  assert.deepEqual(await problemsOf(text), [
    's.toml:3:2  models.one.version: found none, wanted one of "1", "2"',
    's.toml:8:1  models.two.versions: found "../x", wanted a version: up to 64 letters, digits, "_", "." or "-", beginning with a letter or digit',
    's.toml:8:14  models.two.versions."../x": found "AB", wanted a SHA-256 in lower-case hexadecimal',
    's.toml:9:1  models.two.version: found "3", wanted one of "../x"',
    's.toml:10:1  models.two.mode: found "fast", wanted one of "portable", "native", "gpu"',
    's.toml:11:2  models.three.folder: found nothing, wanted the path of a folder',
    's.toml:12:1  models.three.versions: found no version, wanted at least one',
    's.toml:13:1  models.three.latencyTicks: found 0, wanted a whole number from 1 to 1000000',
  ]);
});

test('order of the file is kept for agents, topics and subscriptions, and capabilities are sorted', async () => {
  const config = await configOf(`
[agents.z]
module = "z.wasm"
capabilities = ["send", "log"]
subscriptions = ["t", "s"]
[agents.a]
module = "a.wasm"
[topics.t]
[topics.s]
`);
  assert.deepEqual(
    config.agents.map((agent) => agent.name),
    ['z', 'a'],
  );
  assert.deepEqual(config.agents[0]!.subscriptions, ['t', 's']);
  assert.deepEqual(config.agents[0]!.capabilities, ['log', 'send']);
  assert.deepEqual(
    config.topics.map((topic) => topic.name),
    ['t', 's'],
  );
});

test('every problem is told at once, with line, column, path, what was found and what was wanted', async () => {
  const text = `[run]
tickMs = 0
polcy = "fifo"
[agents.feed]
module = 7
capabilities = ["send", "publihs", "send"]
subscriptions = ["price"]
everyTick = "yes"
[agents."b d"]
module = "x.wasm"
[agents.none]
[topics.prices]
maxWaiting = 1.5
[host]
pace = "slow"
`;
  assert.deepEqual(await problemsOf(text), [
    's.toml:2:1  run.tickMs: found 0, wanted a whole number from 1 to 86400000',
    's.toml:3:1  run.polcy: unknown key "polcy"; did you mean "policy"?',
    's.toml:5:1  agents.feed.module: found 7, wanted the path of a WebAssembly module',
    's.toml:6:25  agents.feed.capabilities[1]: found "publihs", wanted one of CAPABILITIES; did you mean "publish"?',
    's.toml:6:36  agents.feed.capabilities[2]: "send" is there twice',
    's.toml:7:18  agents.feed.subscriptions[0]: topic "price" is not declared; did you mean "prices"?',
    's.toml:8:1  agents.feed.everyTick: found "yes", wanted true or false',
    's.toml:9:2  agents."b d": found "b d", wanted a name: a letter, then up to 63 letters, digits, "_", "." or "-"',
    's.toml:11:2  agents.none.module: found nothing, wanted the path of a WebAssembly module',
    's.toml:13:1  topics.prices.maxWaiting: found 1.5, wanted a whole number from 1 to 1000000',
    's.toml:15:1  host.pace: found "slow", wanted one of "free", "wall-clock"',
  ]);
});

test('problems are also data', async () => {
  const { problems } = await refusal(parseSystem('[agents.a]\nmodule = ""\n', 's.toml'));
  assert.deepEqual(problems, [
    {
      file: 's.toml',
      line: 2,
      column: 1,
      path: 'agents.a.module',
      message: 'found "", wanted the path of a WebAssembly module',
    },
  ]);
});

const refused: readonly [why: string, text: string, wanted: RegExp][] = [
  [
    'a syntax error',
    '[agents.a]\nmodule = "x\n',
    /^s\.toml:2:12 {2}not valid TOML: unterminated string constant$/,
  ],
  [
    'a key that is there twice',
    `${minimal}module = "b"\n`,
    /^s\.toml:3:1 {2}not valid TOML: defining a key multiple/,
  ],
  ['an empty file', '', /^s\.toml:1:1 {2}agents: found nothing, wanted a table$/],
  ['a system without agents', '[agents]\n', /agents: found no agent, wanted at least one/],
  [
    'an unknown section',
    `${minimal}[agent.b]\n`,
    /s\.toml:3:2 {2}agent: unknown key "agent"; did you mean "agents"\?/,
  ],
  ['agents as a list', '[[agents]]\nmodule = "a"\n', /agents: found a list, wanted a table/],
  ['a key __proto__', `${minimal}[agents.a.config]\n__proto__ = 1\n`, /4:1 .*unknown key "__proto__"/],
  ['a table __proto__', `${minimal}[__proto__.x]\ny = 1\n`, /unknown key "__proto__"/],
  [
    'an integer that is not exact',
    '[run]\nseed = 9007199254740993\n[agents.a]\nmodule="a"',
    /found 9007199254740993/,
  ],
  ['a seed below zero', '[run]\nseed = -1\n[agents.a]\nmodule="a"', /run\.seed: found -1/],
  ['nan', `${minimal}config = nan\n`, /agents\.a\.config: found NaN, wanted a finite number/],
  ['infinity inside a list', `${minimal}config = [1, inf]\n`, /agents\.a\.config\[1\]: found Infinity/],
  ['a date', `${minimal}config = { since = 1979-05-27 }\n`, /agents\.a\.config\.since: found a date or time/],
  [
    'a limit out of range',
    `${minimal}limits.attemptsMax = 0\n`,
    /limits\.attemptsMax: found 0.* from 1 to 1000/,
  ],
  ['a channel that is a topic', `${minimal}channels = ["t"]\n[topics.t]\n`, /channels\[0\]: "t" is a topic/],
  [
    'a channel with a bad name',
    `${minimal}channels = ["a b"]\n`,
    /channels\[0\]: found "a b", wanted a name/,
  ],
  [
    'an undeclared topic',
    `${minimal}subscriptions = ["t"]\n`,
    /topic "t" is not declared; there are no topics/,
  ],
  [
    'too many agents',
    `${minimal}count = 12000\n`,
    /agents: found 12000 agents .* at most 10000 \(run\.agentsMax\)/,
  ],
  [
    'a configuration over the limit',
    `${minimal}config = "1234567890"\nlimits.messageBytesMax = 11\n`,
    /agents\.a\.config: found 12 bytes as canonical JSON, wanted at most 11/,
  ],
  ['a name that is too long', `[agents.${'a'.repeat(65)}]\nmodule = "a"\n`, /wanted a name/],
];
for (const [why, text, wanted] of refused) {
  test(`parseSystem() refuses ${why}`, async () => {
    const problems = await problemsOf(text);
    assert.equal(problems.length, 1, problems.join('\n'));
    assert.match(problems[0]!, wanted);
  });
}

test('names that objects inherit are ordinary names', async () => {
  const config = await configOf(
    '[agents.constructor]\nmodule = "a"\n[agents.toString]\nmodule = "a"\nconfig = 1\n',
  );
  assert.deepEqual(
    config.agents.map((agent) => agent.name),
    ['constructor', 'toString'],
  );
  assert.equal(({} as { x?: unknown }).x, undefined);
});

test('deep nesting is refused and exhausts no stack', async () => {
  const deep = 50_000;
  for (const text of [
    `${minimal}config = ${'['.repeat(deep)}${']'.repeat(deep)}\n`,
    `${minimal}config = ${'['.repeat(300)}${']'.repeat(300)}\n`,
    `[agents.a.config.${'a.'.repeat(300)}b]\n`,
  ]) {
    const problems = await problemsOf(text);
    assert.match(problems.join(), /nested too deeply|nested more than 200 deep/);
  }
});

test('a byte order mark and CRLF change nothing', async () => {
  const text = `${minimal}count = 3\n`;
  assert.deepEqual(await configOf(`\uFEFF${text.replaceAll('\n', '\r\n')}`), await configOf(text));
});

test('layout of the TOML does not reach the normalised bytes', async () => {
  const a = await configOf('[agents.a]\nmodule = "a"\nconfig = { b = 1, a = [1.0, -0.0] }\n');
  const b = await configOf(
    '# note\nagents.a.config.a = [1, 0]\nagents.a.config.b = 1.0\nagents.a.module="b"\n',
  );
  assert.deepEqual(normalisedBytes(a), normalisedBytes(b));
});

test('parseConfig() takes back what normalisedBytes() wrote, to the same bytes', async () => {
  const config = await configOf(
    `${minimal}count = 2\nconfig = { x = [1, "é"] }\ncapabilities = ["log"]\n[topics.t]\n`,
  );
  const bytes = normalisedBytes(config);
  const again = await parseConfig(JSON.parse(Buffer.from(bytes).toString()));
  assert.deepEqual(structuredClone(again), structuredClone(config));
  assert.deepEqual(normalisedBytes(again), bytes);
});

test('parseConfig() gives nothing a default and tells every problem', async () => {
  const config = await configOf(minimal);
  const { tickMs: _, ...run } = config.run;
  const broken = {
    ...config,
    format: 2,
    run,
    agents: [{ ...config.agents[0], module: 'AB', name: '1' }, config.agents[0], config.agents[0]],
    extra: 1,
  };
  const { error } = await refusal(parseConfig(broken));
  for (const wanted of [
    'format: found 2, wanted 1',
    'run.tickMs: found nothing, wanted a whole number from 1 to 86400000',
    'agents[0].module: found "AB", wanted a SHA-256',
    'agents[0].name: found "1", wanted a name',
    'agents[2].name: "a" is there twice',
    'extra: unknown key "extra"',
  ])
    assert.ok(error.message.includes(wanted), `${wanted}\n--\n${error.message}`);
});

test('parseConfig() refuses capabilities that are not sorted', async () => {
  const config = await configOf(minimal);
  const agents = [{ ...config.agents[0], capabilities: ['send', 'log'] }];
  const { error } = await refusal(parseConfig({ ...config, agents }));
  assert.match(error.message, /agents\[0\]\.capabilities: not sorted/);
});

test('parseConfig() refuses anything that is not plain JSON, and never throws something else', async () => {
  const config = await configOf(minimal);
  const odd = [undefined, null, 1, 'x', [], new Map(), () => 1, { agents: new Date() }, { agents: [null] }];
  for (const value of odd) await refusal(parseConfig(value));
  await refusal(parseConfig({ ...config, agents: [{ ...config.agents[0], config: new Date(0) }] }));
  await refusal(parseConfig({ ...config, agents: [{ ...config.agents[0], config: '\uD800' }] }));
  await refusal(parseConfig(JSON.parse('{"__proto__":{"format":1}}')));
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (value) => {
      await refusal(parseConfig(value));
    }),
    { numRuns: 200 },
  );
});

test('any text is taken or refused with an EngineError', async () => {
  const piece = fc.constantFrom(
    '[',
    ']',
    'agents',
    '.a',
    '=',
    '"',
    '\n',
    '1',
    'module',
    '{',
    '}',
    ',',
    "'",
    'é',
    '__proto__',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 30 }), async (pieces) => {
      const text = pieces.join('');
      try {
        await parseSystem(text, 's.toml');
      } catch (error) {
        assert.ok(error instanceof EngineError, `${text}\n${error}`);
        assert.equal(error.code, 'config-invalid');
      }
    }),
    { numRuns: 500 },
  );
});
