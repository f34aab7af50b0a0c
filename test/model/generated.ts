// Systems and inputs that fast-check makes up: small, crowded, with every rule in reach.

import fc from 'fast-check';
import type {
  AskedDeclaration,
  ModelConfig,
  ModelDeclaration,
  ModelInput,
  ModelTopicDeclaration,
} from './model-state.ts';
import type { Act, Target, Wish } from './scripts.ts';

export interface GeneratedDeclaration extends ModelDeclaration {
  readonly acts: readonly Act[];
}

export interface GeneratedCase {
  readonly config: ModelConfig & { readonly declarations: readonly GeneratedDeclaration[] };
  /** Inputs of each tick. */
  readonly ticks: readonly (readonly ModelInput[])[];
}

/** How many of each a system has. */
interface Counts {
  readonly topics: number;
  readonly declarations: number;
  readonly models: number;
}

const payload = fc.constantFrom('', 'a', 'b', 'word', 'longer');
const channel = fc.constantFrom('den', 'hall');
const overflow = fc.constantFrom('block', 'block', 'reject', 'drop-newest', 'drop-oldest');

const target: fc.Arbitrary<Target> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ to: fc.constant('host'), counter: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ to: fc.constant('child'), counter: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 2, arbitrary: fc.constantFrom<Target>({ to: 'self' }, { to: 'sender' }) },
);

function wish({ topics, declarations, models }: Counts): fc.Arbitrary<Wish> {
  const topic = fc.nat({ max: Math.max(0, topics - 1) });
  const declaration = fc.nat({ max: declarations - 1 });
  const is = <K extends Wish['kind']>(...kinds: K[]): fc.Arbitrary<K> => fc.constantFrom(...kinds);
  const ofTopics: fc.WeightedArbitrary<Wish>[] =
    topics === 0
      ? []
      : [
          { weight: 5, arbitrary: fc.record({ kind: is('publish'), topic, payload }) },
          { weight: 2, arbitrary: fc.record({ kind: is('subscribe', 'unsubscribe'), topic }) },
        ];
  const tag = fc.integer({ min: -2, max: 2 });
  const model = fc.nat({ max: Math.max(0, models - 1) });
  const ofModels: fc.WeightedArbitrary<Wish>[] =
    models === 0
      ? []
      : [{ weight: 5, arbitrary: fc.record({ kind: is('infer', 'generate'), model, tag, payload }) }];
  return fc.oneof(
    { weight: 8, arbitrary: fc.record({ kind: is('send'), target, payload }) },
    { weight: 2, arbitrary: fc.record({ kind: is('publishChannel'), name: channel, payload }) },
    { weight: 2, arbitrary: fc.record({ kind: is('join', 'leave'), name: channel }) },
    { weight: 3, arbitrary: fc.record({ kind: is('setTimer'), delay: fc.integer({ min: 1, max: 5 }), tag }) },
    { weight: 1, arbitrary: fc.record({ kind: is('cancelTimer'), back: fc.nat({ max: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: is('log'), payload }) },
    { weight: 1, arbitrary: fc.record({ kind: is('output'), payload }) },
    { weight: 1, arbitrary: fc.record({ kind: is('spawn'), declaration, payload }) },
    { weight: 1, arbitrary: fc.record({ kind: is('terminate'), target, payload }) },
    ...ofTopics,
    ...ofModels,
  );
}

function act(counts: Counts): fc.Arbitrary<Act> {
  return fc.record({
    outcome: fc.oneof(
      { weight: 12, arbitrary: fc.constant('done' as const) },
      { weight: 4, arbitrary: fc.constant('again' as const) },
      { weight: 1, arbitrary: fc.constant('finished' as const) },
      { weight: 2, arbitrary: fc.constant('failed' as const) },
    ),
    wishes: fc.array(wish(counts), { maxLength: 4 }),
  });
}

const askedModel: fc.Arbitrary<AskedDeclaration> = fc.record({
  latencyTicks: fc.integer({ min: 1, max: 4 }),
  pendingMax: fc.constantFrom(1, 3, 100),
  pendingPerAgentMax: fc.constantFrom(1, 2, 100),
});

function topicDeclaration(index: number): fc.Arbitrary<ModelTopicDeclaration> {
  return fc.record({
    name: fc.constant(`topic-${index}`),
    maxWaiting: fc.option(fc.integer({ min: 1, max: 3 })),
    overflow,
    refusedInitial: fc.constantFrom('', '', 'w'),
  });
}

function declaration(index: number, counts: Counts): fc.Arbitrary<GeneratedDeclaration> {
  const topicIndices = Array.from({ length: counts.topics }, (_, i) => i);
  return fc.record({
    name: fc.constant(`kind-${index}`),
    count: fc.constantFrom(null, null, 0, 1, 2, 3),
    subscriptions: fc.subarray(topicIndices),
    channels: fc.subarray(['den', 'hall']),
    everyTick: fc.nat({ max: 5 }).map((n) => n === 5),
    configuration: fc.constantFrom('', 'setup'),
    memoryPagesMax: fc.constantFrom(1, 2),
    mailboxMessagesMax: fc.integer({ min: 1, max: 4 }),
    deliveriesPerTickMax: fc.constantFrom(1, 2, 3, 1000, 1000, 1000),
    channelsMax: fc.constantFrom(0, 1, 9, 9, 9),
    attemptsMax: fc.integer({ min: 1, max: 3 }),
    overflow,
    restart: fc.record({
      policy: fc.constantFrom('never' as const, 'from-init' as const, 'from-image' as const),
      restartsMax: fc.integer({ min: 0, max: 6 }),
      backoffTicks: fc.integer({ min: 0, max: 3 }),
      backoffTicksMax: fc.integer({ min: 1, max: 6 }),
      imageTicks: fc.integer({ min: 1, max: 5 }),
    }),
    onFault: fc.constantFrom(null, 1, 2, 3),
    acts: fc.array(act(counts), { maxLength: 8 }),
  });
}

function input(topics: number, declarations: number): fc.Arbitrary<ModelInput> {
  const host = { origin: fc.constant(0), counter: fc.integer({ min: 1, max: 6 }) };
  const priority = fc.constantFrom(0, 0, -1, 1, 3);
  const waits = fc.boolean();
  const names = ['den', ...Array.from({ length: topics }, (_, i) => `topic-${i}`)];
  const name = fc.constantFrom(...names);
  const is = <K extends ModelInput['kind']>(...kinds: K[]): fc.Arbitrary<K> => fc.constantFrom(...kinds);
  const declared = fc.nat({ max: declarations - 1 }).map((i) => `kind-${i}`);
  return fc.oneof(
    { weight: 10, arbitrary: fc.record({ kind: is('message'), ...host, payload, priority, waits }) },
    { weight: 5, arbitrary: fc.record({ kind: is('publish'), name, payload, priority, waits }) },
    { weight: 3, arbitrary: fc.record({ kind: is('scheduled'), ...host, payload, priority }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: is('spawn'),
        origin: fc.constant(0),
        counter: fc.constant(0),
        name: declared,
        payload,
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: is('terminate'), ...host }) },
    { weight: 6, arbitrary: fc.record({ kind: is('pause', 'resume', 'step'), ...host }) },
    { weight: 1, arbitrary: fc.record({ kind: is('join', 'leave'), ...host, name: channel }) },
  );
}

/** Ticks in which nothing enters let timers, back-offs and outboxes work themselves out. */
function ticksOf(topics: number, declarations: number): fc.Arbitrary<ModelInput[][]> {
  const busy = fc.array(input(topics, declarations), { maxLength: 5 });
  const tick = fc.oneof(
    { weight: 2, arbitrary: busy },
    { weight: 1, arbitrary: fc.constant<ModelInput[]>([]) },
  );
  return fc
    .tuple(fc.array(tick, { minLength: 3, maxLength: 24, size: 'max' }), fc.nat({ max: 40 }))
    .map(([ticks, stopAt]) =>
      ticks.map((inputs, at) => (at === stopAt ? [...inputs, { kind: 'stop' as const }] : inputs)),
    );
}

export const generatedCase: fc.Arbitrary<GeneratedCase> = fc
  .record({
    topics: fc.nat({ max: 3 }),
    declarations: fc.integer({ min: 1, max: 4 }),
    models: fc.nat({ max: 2 }),
  })
  .chain((counts) =>
    fc.record({
      config: fc.record({
        policy: fc.constantFrom('fifo' as const, 'priority' as const, 'round-robin' as const),
        ageTicks: fc.constantFrom(0, 0, 1, 2),
        tasksPerTickMax: fc.constantFrom(1, 2, 3, 5, 20),
        agentsMax: fc.integer({ min: 12, max: 16 }),
        memoryPagesReservedMax: fc.integer({ min: 18, max: 32 }),
        answersPerTickMax: fc.constantFrom(1, 2, 100, 100),
        declarations: fc.tuple(
          ...Array.from({ length: counts.declarations }, (_, i) => declaration(i, counts)),
        ),
        topics: fc.tuple(...Array.from({ length: counts.topics }, (_, i) => topicDeclaration(i))),
        models: fc.array(askedModel, { minLength: counts.models, maxLength: counts.models }),
      }),
      ticks: ticksOf(counts.topics, counts.declarations),
    }),
  );
