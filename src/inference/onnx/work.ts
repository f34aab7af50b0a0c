// How much a model does at most, as far as its file says: steps of loops, and nodes once every function stands where it
// is called. What an operator does in one step is bounded by its inputs.

/** Steps that the loops of a model may take together, nested ones multiplied. */
export const loopStepsMax = 10_000_000;
/** Nodes with those of every function, once for each call. */
const nodesMax = 1_000_000;
export const graphDepthMax = 64;

export interface Work {
  readonly steps: number;
  readonly nodes: number;
}

export const noWork: Work = { steps: 0, nodes: 0 };

export function addWork(a: Work, b: Work): Work {
  return { steps: a.steps + b.steps, nodes: a.nodes + b.nodes };
}

/** Why it is too much, if it is. */
export function workProblem({ steps, nodes }: Work): string | undefined {
  if (steps > loopStepsMax) return `its "Loop"s may take more than ${loopStepsMax} steps together`;
  return nodes > nodesMax ? `its functions make more than ${nodesMax} nodes` : undefined;
}
