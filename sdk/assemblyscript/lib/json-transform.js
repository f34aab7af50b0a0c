// json-as, whose transform takes its options from environment variables. A module must not depend on the environment of
// whoever compiles it, so those are hidden while the transform looks.

function hideOptions() {
  const hidden = {};
  for (const name of Object.keys(process.env).filter((name) => name.startsWith('JSON_'))) {
    hidden[name] = process.env[name];
    delete process.env[name];
  }
  return hidden;
}

const hidden = hideOptions();
const { default: Transform } = await import('json-as');
Object.assign(process.env, hidden);

export class JsonTransform extends Transform {
  afterInitialize(program) {
    const hidden = hideOptions();
    try {
      super.afterInitialize(program);
    } finally {
      Object.assign(process.env, hidden);
    }
  }
}
