// What has a name in the SDK has the numbers of the agent ABI, and nothing that the ABI numbers is without a name.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DropReason, Recovery } from '../../../src/abi/envelope.ts';
import { faultCodes } from '../../../src/abi/fault.ts';
import { FinishReason } from '../../../src/abi/generation.ts';
import { HostCode } from '../../../src/abi/host-functions.ts';
import { ElementType, InferenceStatus } from '../../../src/abi/tensor-list.ts';

const enums = [
  ['tasks', 'DropReason', DropReason],
  ['tasks', 'Recovery', Recovery],
  ['tasks', 'FaultKind', faultCodes],
  ['generation', 'FinishReason', FinishReason],
  ['codes', 'HostCode', HostCode],
  ['inference', 'ElementType', ElementType],
  ['inference', 'AnswerStatus', InferenceStatus],
] as const;

for (const [file, name, wanted] of enums)
  test(`${name} has every number that the ABI has`, () => {
    const text = readFileSync(join(import.meta.dirname, '..', 'assembly', `${file}.ts`), 'utf8');
    const body = new RegExp(`export enum ${name} \\{([^}]*)\\}`).exec(text)?.[1] ?? '';
    const found = [...body.matchAll(/^ {2}\w+ = (-?\d+),$/gm)].map((match) => Number(match[1]));
    assert.deepEqual(found, Object.values(wanted));
  });
