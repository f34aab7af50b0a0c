// Where requests of agents go and answers come from, in a live run. When an answer is there decides nothing: it is an
// input of the tick in which its request is due, and that tick waits for it.

import { encodeInferenceError, InferenceStatus } from '../abi/tensor-list.ts';
import { EngineError } from '../base/errors.ts';
import type { Sha256 } from '../base/hash.ts';
import { type HostEvent, type HostedModel, ModelHost, versionFolder } from '../inference/index.ts';
import { answerDetail, type Input, InputKind } from '../log/index.ts';
import type { ModelRequest } from '../scheduler/index.ts';
import type { System } from './config/system-config.ts';
import { createInput } from './host-inputs.ts';

/** What answers requests; the engine's own is `openInferenceDesk`. */
export interface InferenceDesk {
  /** Gets ready what the run begins with; throws where a model cannot be used. */
  prepare(): Promise<void>;
  /** Begins to answer; never throws. */
  submit(requests: readonly ModelRequest[]): void;
  /** The bytes of the answers, in the order of the requests. */
  answers(requests: readonly ModelRequest[]): Promise<readonly Uint8Array[]>;
  close(): Promise<void>;
}

/** Answers as inputs of the tick in which they are due. */
export function answerInputs(
  requests: readonly ModelRequest[],
  answers: readonly Uint8Array[],
  sha256: Sha256,
): Input[] {
  return requests.map(({ agent, number }, i) => {
    const answer = answers[i]!;
    const detail = answerDetail(number, sha256(answer));
    const { origin, counter } = agent;
    return createInput(InputKind.answer, { origin, counter, detail, answer });
  });
}

/** A desk that runs the models of a system. */
export function openInferenceDesk(
  { config, host }: Pick<System, 'config' | 'host'>,
  onEvent: (event: HostEvent) => void = () => {},
): InferenceDesk {
  const { modelBytesMax, modelFolders } = host;
  const models = new ModelHost({ modelBytesMax, onEvent });
  const under = new Map<ModelRequest, Promise<Uint8Array>>();
  const find = (model: number, version: number): HostedModel => {
    const { name, versions, mode, outputBytesMax } = config.models[model]!;
    const pinned = versions[version]!;
    const folder = modelFolders.get(name);
    if (folder === undefined) {
      throw new EngineError(
        'model-missing',
        `Cannot run model "${name}": where it lies is not known; wanted the folder that holds it`,
        { model: name },
      );
    }
    const { sha256 } = pinned;
    return {
      id: name,
      ...pinned,
      folder: versionFolder(folder, pinned.version),
      sha256,
      mode,
      outputBytesMax,
    };
  };
  const answer = async ({ model, version, payload }: ModelRequest): Promise<Uint8Array> => {
    const { bytes, offset, length } = payload;
    const request = bytes.subarray(offset, offset + length);
    const { answers } = await models.run(find(model, version), [request]);
    return answers[0] ?? encodeInferenceError(InferenceStatus.modelFailed, '');
  };
  return {
    async prepare() {
      for (const [index, { versions, version }] of config.models.entries()) {
        await models.load(
          find(
            index,
            versions.findIndex((each) => each.version === version),
          ),
        );
      }
    },
    submit(requests) {
      for (const request of requests) {
        const promise = answer(request);
        // Whoever waits for it is told.
        promise.catch(() => {});
        under.set(request, promise);
      }
    },
    answers(requests) {
      return Promise.all(
        requests.map(async (request) => {
          const bytes = await (under.get(request) ?? answer(request));
          under.delete(request);
          return bytes;
        }),
      );
    },
    close: () => models.close(),
  };
}
