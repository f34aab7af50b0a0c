// What a snapshot says of each agent's instance: its state, and its memory as pages that are kept once.

import { assert } from '../../base/errors.ts';
import type { MemoryImage } from '../../sandbox/index.ts';
import type { Snapshot } from '../turns/machine.ts';
import type { AgentImage } from '../turns/turn-runner.ts';
import type { PageGatherer } from './page-gatherer.ts';
import type { PageEntry } from './tables.ts';

/** What a snapshot says of an agent's instance, and the hashes of its pages; those of zeros have none. */
export interface GatheredAgent {
  readonly number: number;
  readonly state: Uint8Array;
  readonly keys: readonly (string | undefined)[];
  /** Of the pages in the table of the snapshot. */
  readonly indices: readonly number[];
}

export interface Gathered {
  readonly agents: readonly GatheredAgent[];
  readonly images: readonly GatheredAgent[];
  readonly pages: readonly PageEntry[];
  /** Those of them that no earlier snapshot had, by hash. */
  readonly fresh: ReadonlyMap<string, PageEntry>;
}

/** Hashes of the pages of images that were read or written: nobody changes an image. */
const keysOfImages: WeakMap<MemoryImage, readonly (string | undefined)[]> = new WeakMap();

/** The hashes of an image's pages are known from where it was read. */
export function noteKeys(image: MemoryImage, keys: readonly (string | undefined)[]): void {
  keysOfImages.set(image, keys);
}

/** @param before what the snapshot before says of the instances that are the same */
export async function gatherAgents(
  snapshot: Snapshot,
  gatherer: PageGatherer,
  before: ReadonlyMap<number, GatheredAgent> | undefined,
): Promise<Gathered> {
  const gather = async (images: readonly AgentImage[]): Promise<GatheredAgent[]> => {
    const agents: GatheredAgent[] = [];
    for (const { number, state, image } of images) {
      let keys = keysOfImages.get(image);
      if (keys?.every((key) => key === undefined || gatherer.has(key)) !== true) {
        const added: (string | undefined)[] = [];
        for (const kept of image.pages) {
          added.push(kept === undefined ? undefined : await gatherer.add(kept));
        }
        keysOfImages.set(image, (keys = added));
      }
      agents.push({ number, state: new Uint8Array(state.slice().buffer), keys, indices: [] });
    }
    return agents;
  };
  const changed = await gather(snapshot.agents);
  const same = (snapshot.same ?? []).map((number) => {
    const agent = before?.get(number);
    assert(agent !== undefined, 'an agent that is as before was in the snapshot before');
    return agent;
  });
  const images = await gather(snapshot.images);
  await gatherer.drain();
  const indexed = (agent: GatheredAgent): GatheredAgent => ({
    ...agent,
    indices: agent.keys.map((key) => (key === undefined ? 0 : gatherer.indexOf(key))),
  });
  const agents = [...changed, ...same].map(indexed).sort((a, b) => a.number - b.number);
  return { agents, images: images.map(indexed), pages: gatherer.pages, fresh: gatherer.fresh };
}
