// Where functions are written: one buffer of each kind for all of a module, since one of each its own would be dear.
import { ByteWriter } from '../binary/byte-writer.ts';

export class CodeBuffers {
  /** Of all functions so far: their own code with the edits, where its pieces come from, what is around it. */
  readonly code: ByteWriter;
  readonly pieces: ByteWriter = new ByteWriter(4096);
  readonly around: ByteWriter = new ByteWriter(4096);

  constructor(moduleBytes: number) {
    this.code = new ByteWriter(moduleBytes * 2);
  }
}
