// Rules that tie one part of a system to another. They look at unchecked values, so that they can speak in the same
// breath as the schema: what has the wrong shape is left to the schema.

import { agentLimitDefaults, runLimitDefaults } from '../../base/limits.ts';
import { checkContract } from './contract.ts';
import { asTable, canonicalBytes, type JsonPath, type JsonTable, type JsonValue } from './json-value.ts';
import { list, nearest, type ProblemList, quote } from './problems.ts';
import { restartDefaults } from './system-config.ts';

/** Names of agents, topics and declared channels. */
const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
export const nameSource: string = namePattern.source;
const nameWanted = 'a name: a letter, then up to 63 letters, digits, "_", "." or "-"';

/** Names of versions of models; they are names of folders, too. */
const versionPattern = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
export const versionSource: string = versionPattern.source;

/** One agent or topic of a description, wherever it stands in it. */
interface Entry {
  readonly name: JsonValue | undefined;
  readonly path: JsonPath;
  readonly namePath: JsonPath;
  readonly body: JsonValue | undefined;
}

/** Checks a description in either form: tables by name, or lists with names. */
export function crossCheck(value: JsonValue, problems: ProblemList): void {
  const root = asTable(value);
  const agents = entriesOf(root?.agents, 'agents');
  const topics = entriesOf(root?.topics, 'topics');
  checkNames(topics, problems);
  checkNames(agents, problems);
  const topicNames = topics.map((topic) => topic.name).filter((name) => typeof name === 'string');
  for (const agent of agents) checkAgent(agent, topicNames, problems);
  checkWatcher(asTable(root?.run)?.onFault, ['run', 'onFault'], agents, problems);
  for (const { body, path } of agents) {
    checkWatcher(asTable(body)?.onFault, [...path, 'onFault'], agents, problems);
  }
  for (const { body, path } of topics) {
    const contract = asTable(body)?.contract;
    if (contract !== undefined && contract !== null) checkContract(contract, [...path, 'contract'], problems);
  }
  const models = entriesOf(root?.models, 'models');
  checkNames(models, problems);
  for (const model of models) checkModel(model, problems);
  if (root !== undefined) checkAgentCount(agents, root, problems);
}

/** Who is told of faults exists from the start. */
function checkWatcher(
  name: JsonValue | undefined,
  path: JsonPath,
  agents: readonly Entry[],
  problems: ProblemList,
): void {
  if (typeof name !== 'string' || name === '') return;
  const declared = name.replace(/\/.*$/, '');
  const entry = agents.find((agent) => agent.name === declared);
  if (entry === undefined) {
    const names = agents.flatMap((agent) => (typeof agent.name === 'string' ? agent.name : []));
    const near = nearest(name, names);
    const hint = near === undefined ? `wanted one of ${list(names)}` : `did you mean ${quote(near)}?`;
    problems.add(path, `agent ${quote(name)} is not declared; ${hint}`);
    return;
  }
  const count = asTable(entry.body)?.count ?? null;
  if (count !== null && typeof count !== 'number') return;
  const index = name.slice(declared.length + 1);
  const isThere =
    count === null ? name === declared : /^(0|[1-9]\d{0,6})$/.test(index) && Number(index) < count;
  if (isThere) return;
  const ofMany =
    count === 1 ? quote(`${declared}/0`) : `one of "${declared}/0" to "${declared}/${count! - 1}"`;
  const wanted = count === null ? quote(declared) : count === 0 ? 'an agent of another kind' : ofMany;
  problems.add(path, `no agent ${quote(name)} is there from the start; wanted ${wanted}`);
}

function entriesOf(value: JsonValue | undefined, key: string): Entry[] {
  if (Array.isArray(value)) {
    return value.map((body: JsonValue, index) => {
      const path = [key, index];
      return { name: asTable(body)?.name, path, namePath: [...path, 'name'], body };
    });
  }
  return Object.entries(asTable(value) ?? {}).map(([name, body]) => {
    const path = [key, name];
    return { name, path, namePath: path, body };
  });
}

function checkNames(entries: readonly Entry[], problems: ProblemList): void {
  const seen = new Set<JsonValue>();
  for (const { name, namePath } of entries) {
    if (typeof name !== 'string') continue;
    if (!namePattern.test(name)) problems.add(namePath, `found ${quote(name)}, wanted ${nameWanted}`);
    if (seen.has(name)) problems.add(namePath, `${quote(name)} is there twice`);
    seen.add(name);
  }
}

function checkAgent(agent: Entry, topics: readonly string[], problems: ProblemList): void {
  const body = asTable(agent.body);
  if (body === undefined) return;
  checkRepeats(body, 'capabilities', agent.path, problems);
  for (const [topic, path] of checkRepeats(body, 'subscriptions', agent.path, problems)) {
    if (topics.includes(topic)) continue;
    const near = nearest(topic, topics);
    const declared = topics.length === 0 ? 'there are no topics' : `wanted one of ${list(topics)}`;
    const hint = near === undefined ? declared : `did you mean ${quote(near)}?`;
    problems.add(path, `topic ${quote(topic)} is not declared; ${hint}`);
  }
  for (const [channel, path] of checkRepeats(body, 'channels', agent.path, problems)) {
    if (!namePattern.test(channel)) problems.add(path, `found ${quote(channel)}, wanted ${nameWanted}`);
    if (topics.includes(channel))
      problems.add(path, `${quote(channel)} is a topic; wanted it under "subscriptions", or another name`);
  }
  checkConfigSize(body, agent.path, problems);
  checkBackoff(body.restart, [...agent.path, 'restart'], problems);
}

/** A wait that is longer than the longest would be cut short without a word. */
function checkBackoff(value: JsonValue | undefined, path: JsonPath, problems: ProblemList): void {
  const { backoffTicks, backoffTicksMax = restartDefaults.backoffTicksMax } = asTable(value) ?? {};
  if (typeof backoffTicks !== 'number' || typeof backoffTicksMax !== 'number') return;
  if (backoffTicks <= backoffTicksMax) return;
  const wanted = `at most "backoffTicksMax", which is ${backoffTicksMax}`;
  problems.add([...path, 'backoffTicks'], `found ${backoffTicks}, wanted ${wanted}`);
}

function checkModel({ body, path }: Entry, problems: ProblemList): void {
  const table = asTable(body);
  const listed = table?.versions;
  const versions = Array.isArray(listed)
    ? listed.map((entry: JsonValue) => asTable(entry)?.version).filter((name) => typeof name === 'string')
    : Object.keys(asTable(listed) ?? {});
  for (const name of versions) {
    if (versionPattern.test(name)) continue;
    const wanted = 'up to 64 letters, digits, "_", "." or "-", beginning with a letter or digit';
    problems.add([...path, 'versions'], `found ${quote(name)}, wanted a version: ${wanted}`);
  }
  const { mode = 'portable', timeoutMs } = table ?? {};
  if (mode === 'portable' && timeoutMs !== undefined && timeoutMs !== null)
    problems.add(
      [...path, 'timeoutMs'],
      'found one in mode "portable", which waits for every answer; wanted none',
    );
  if (listed === undefined) return;
  const { version } = table!;
  if (versions.length === 0) problems.add([...path, 'versions'], 'found no version, wanted at least one');
  else if (version === undefined && versions.length > 1)
    problems.add([...path, 'version'], `found none, wanted one of ${list(versions)}`);
  else if (typeof version === 'string' && !versions.includes(version))
    problems.add([...path, 'version'], `found ${quote(version)}, wanted one of ${list(versions)}`);
}

/** The texts of a list with their places; complains about those that come again. */
function checkRepeats(
  body: JsonTable,
  key: string,
  base: JsonPath,
  problems: ProblemList,
): [string, JsonPath][] {
  const values = body[key];
  if (!Array.isArray(values)) return [];
  const found: [string, JsonPath][] = [];
  const seen = new Set<string>();
  for (const [index, value] of values.entries()) {
    if (typeof value !== 'string') continue;
    const path = [...base, key, index];
    if (seen.has(value)) problems.add(path, `${quote(value)} is there twice`);
    else found.push([value, path]);
    seen.add(value);
  }
  return found;
}

function checkConfigSize(body: JsonTable, base: JsonPath, problems: ProblemList): void {
  const config = body.config;
  const limit = asTable(body.limits)?.messageBytesMax ?? agentLimitDefaults.messageBytesMax;
  if (config === undefined || config === null || typeof limit !== 'number') return;
  const size = canonicalBytes(config).length;
  if (size > limit) {
    const wanted = `at most ${limit} (limits.messageBytesMax)`;
    problems.add([...base, 'config'], `found ${size} bytes as canonical JSON, wanted ${wanted}`);
  }
}

function checkAgentCount(agents: readonly Entry[], root: JsonTable, problems: ProblemList): void {
  const value = root.agents;
  if (value !== undefined && agents.length === 0 && (Array.isArray(value) || asTable(value) !== undefined))
    problems.add(['agents'], 'found no agent, wanted at least one');
  let [total, pages] = [0, 0];
  for (const { body } of agents) {
    const table = asTable(body);
    const count = table?.count ?? 1;
    if (typeof count !== 'number' || !Number.isSafeInteger(count)) continue;
    total += count;
    const each = asTable(table?.limits)?.memoryPagesMax ?? agentLimitDefaults.memoryPagesMax;
    if (typeof each === 'number') pages += count * each;
  }
  const run = asTable(root.run);
  const limit = run?.agentsMax ?? runLimitDefaults.agentsMax;
  if (typeof limit === 'number' && total > limit)
    problems.add(['agents'], `found ${total} agents at the start, wanted at most ${limit} (run.agentsMax)`);
  const pagesLimit = run?.memoryPagesReservedMax ?? runLimitDefaults.memoryPagesReservedMax;
  if (typeof pagesLimit === 'number' && pages > pagesLimit) {
    const wanted = `at most ${pagesLimit} (run.memoryPagesReservedMax)`;
    problems.add(['agents'], `found ${pages} pages that the agents at the start may reach, wanted ${wanted}`);
  }
}
