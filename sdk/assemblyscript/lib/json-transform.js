// json-as, whose transform takes its options from environment variables. A module must not depend on the environment of
// whoever compiles it, so those are replaced by ours while the transform looks.

/** Its default, eight bytes at a time, prints a surrogate pair that crosses eight bytes as two wrong halves. */
const settings = { JSON_MODE: 'naive' };

function swapEnvironment(wanted) {
  const found = {};
  for (const name of Object.keys(process.env).filter((name) => name.startsWith('JSON_'))) {
    found[name] = process.env[name];
    delete process.env[name];
  }
  Object.assign(process.env, wanted);
  return found;
}

const found = swapEnvironment(settings);
const { default: Transform } = await import('json-as');
swapEnvironment(found);

export class JsonTransform extends Transform {
  afterInitialize(program) {
    const found = swapEnvironment(settings);
    try {
      super.afterInitialize(program);
    } finally {
      swapEnvironment(found);
    }
  }
}
