// How much stack a call may take, as one number that no V8 tier exceeds. Charged instead of the true size, which differs.

export interface FrameShape {
  readonly params: number;
  readonly locals: number;
  /** The most operands that are on the stack at once. */
  readonly operandsMax: number;
  /** Whether any value of the function may be a v128. */
  readonly wide: boolean;
  readonly codeBytes: number;
}

/** The default budget: below what is left of the main thread's 984 KB after the reserve for the host. */
export const stackBytesDefault = 400_000;

const fixedBytes = 160;

export function frameBytes(shape: FrameShape): number {
  const slots = shape.params + shape.locals + shape.operandsMax;
  return fixedBytes + slots * (shape.wide ? 16 : 8);
}
