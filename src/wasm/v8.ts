// The one place where V8 is asked about a module. Its answer decides nothing: it checks our own judgement.
// What the pass makes of the module it checks by itself, when that is compiled.

interface WebAssemblyValidation {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => object;
}

declare const WebAssembly: WebAssemblyValidation;

export function v8Accepts(bytes: Uint8Array): boolean {
  return WebAssembly.validate(bytes);
}

/** What V8 says against a module that it does not accept; the wording differs between versions. */
export function v8Complaint(bytes: Uint8Array): string {
  try {
    new WebAssembly.Module(bytes);
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^WebAssembly\.Module\(\): /, '') : String(error);
  }
  return 'nothing';
}
