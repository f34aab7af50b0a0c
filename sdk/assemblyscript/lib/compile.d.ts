// The types of compile.js.

export interface CompileOptions {
  /** The agent's source file. */
  readonly entry: string;
  /** Where the module goes; its folder is made. */
  readonly outFile: string;
  /** Small modules (the default) or fast ones. */
  readonly optimize?: 'size' | 'speed';
  /** Pages of 64 KiB that the memory begins with; growth costs fuel. The default is 4. */
  readonly initialMemoryPages?: number;
  /** Where asc's messages go; the default is standard error. */
  readonly write?: (text: string) => void;
  /** Whether messages are coloured. */
  readonly colors?: boolean;
}

export interface CompileResult {
  /** Whether the module was written. */
  readonly ok: boolean;
  /** Bytes of the module; 0 where it was not written. */
  readonly size: number;
  /** Names of the host functions that the module imports, sorted. */
  readonly imports: readonly string[];
}

/** Compiles one agent. Problems of the source, and of where the files are, are written, not thrown. */
export function compileAgent(options: CompileOptions): Promise<CompileResult>;
