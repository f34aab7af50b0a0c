// Old versions of Node get one clear line.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '../base/errors.ts';
import { checkNodeVersion } from './node-version.ts';

test('checkNodeVersion() takes 22.18 and newer, and refuses what is older with what was wanted', () => {
  for (const version of ['22.18.0', '22.19.3', '24.0.0', '26.10.1']) checkNodeVersion(version);
  for (const version of ['22.17.9', '20.20.2', '18.0.0']) {
    assert.throws(
      () => checkNodeVersion(version),
      (error) => error instanceof EngineError && error.code === 'usage' && error.message.includes('22.18'),
    );
  }
});
