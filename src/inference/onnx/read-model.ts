// What an ONNX file says about itself: signature, files of weights beside it, loops. Enough to judge a model before a
// runtime sees it; whatever the bytes are, the answer is facts or one error.

import type { Signature } from '../signature.ts';
import { isRandom, mixesRows } from './operator-kinds.ts';
import { type ProtoField, protoFields, protoParts } from './proto-fields.ts';
import { readDoor } from './read-door.ts';
import { readTensor } from './read-tensor.ts';
import { refused, text } from './refused.ts';
import { addWork, graphDepthMax, noWork, type Work, workProblem } from './work.ts';

export interface ModelFacts extends Signature {
  /** Files of weights beside the model's own, as it names them. */
  readonly externalFiles: readonly string[];
  /** Why the model need not end; undefined where it always does. */
  readonly unbounded: string | undefined;
  /** Why it may answer the same request in two ways; undefined where it never does. */
  readonly random: string | undefined;
  /** Whether what a row comes to may depend on the rows beside it, whatever trying shows. */
  readonly mixesRows: boolean;
}

/** @throws EngineError `model-refused` */
export function readModel(bytes: Uint8Array): ModelFacts {
  const functions = new Map<string, Uint8Array[]>();
  let graph: Uint8Array | undefined;
  for (const { number, bytes: part } of protoParts(bytes)) {
    if (number === 7) graph = onlyOne(graph, part, 'graph');
    else if (number === 25) addFunction(functions, part);
  }
  if (graph === undefined) throw refused('the file is no ONNX model: it has no graph');
  const scan = new Scan(functions);
  const { names, work } = scan.graph(graph, { constants: new Map(), depth: 1 });
  const { inputs, outputs } = readDoor(graph);
  // Functions that nothing calls do nothing, and yet may name files.
  for (const name of functions.keys()) scan.call(name, 1);
  const { externalFiles, unbounded = workProblem(work), random } = scan;
  return {
    inputs: inputs.filter(({ name }) => !names.has(name)),
    outputs,
    externalFiles: [...externalFiles],
    unbounded,
    random,
    mixesRows: scan.mixesRows,
  };
}

function addFunction(functions: Map<string, Uint8Array[]>, bytes: Uint8Array): void {
  let name = '';
  let domain = '';
  for (const { number, bytes: content } of protoParts(bytes)) {
    if (number === 1) name = text(content);
    else if (number === 10) domain = text(content);
  }
  const key = operatorKey(domain, name);
  // Of several with one name each counts: which of them is called depends on the runtime.
  functions.set(key, [...(functions.get(key) ?? []), bytes]);
}

/** The operator sets of ONNX itself go by two names. */
function operatorKey(domain: string, name: string): string {
  return `${domain === 'ai.onnx' ? '' : domain}:${name}`;
}

interface Around {
  /** Values of scalar integers that never change, by name. */
  readonly constants: ReadonlyMap<string, bigint>;
  readonly depth: number;
}

interface GraphFacts {
  /** What has a value from the file. */
  readonly names: ReadonlySet<string>;
  readonly work: Work;
}

interface AttributeFacts {
  /** The whole number that it holds, if it does. */
  readonly scalar?: bigint | undefined;
  /** Of its graphs; undefined where it has none. */
  readonly work: Work | undefined;
}

interface Node {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Uint8Array[];
  readonly operator: string;
  readonly key: string;
}

class Scan {
  readonly externalFiles: Set<string> = new Set();
  unbounded: string | undefined;
  random: string | undefined;
  mixesRows = false;
  readonly #functions: ReadonlyMap<string, readonly Uint8Array[]>;
  /** What one call of each function takes; undefined while that is being found out. */
  readonly #calls: Map<string, Work | undefined> = new Map();

  constructor(functions: ReadonlyMap<string, readonly Uint8Array[]>) {
    this.#functions = functions;
  }

  graph(bytes: Uint8Array, around: Around): GraphFacts {
    checkDepth(around.depth);
    const fields = [...protoParts(bytes)];
    const constants = new Map(around.constants);
    const names = new Set<string>();
    // Of what types they are is the runtime's to say: within a model they need be no tensors, or say nothing.
    const inputs = fields.filter(({ number }) => number === 11);
    const replaceable = new Set(inputs.map(({ bytes: info }) => nameOf(info)));
    for (const name of replaceable) constants.delete(name);
    const define = (name: string, scalar: bigint | undefined): void => {
      constants.delete(name);
      // Which of two values counts depends on the runtime, and no name at all means that an input is left out.
      const isConstant = scalar !== undefined && name !== '' && !replaceable.has(name) && !names.has(name);
      if (isConstant) constants.set(name, scalar);
      names.add(name);
    };
    for (const { number, bytes: tensor } of fields) {
      if (number === 5) {
        const { name, scalar } = readTensor(tensor, this.externalFiles);
        define(name, scalar);
      } else if (number === 15) for (const name of this.#sparse(tensor)) define(name, undefined);
    }
    const work = this.#nodes(fields, 1, { ...around, constants }, [...names, ...replaceable]);
    return { names, work };
  }

  /** What a call of a function takes; nothing where the name is not that of a function. */
  call(key: string, depth: number): Work {
    const functions = this.#functions.get(key);
    if (functions === undefined) return noWork;
    const known = this.#calls.get(key);
    if (known !== undefined) return known;
    if (this.#calls.has(key)) throw refused(`its function ${JSON.stringify(key)} calls itself`);
    checkDepth(depth);
    this.#calls.set(key, undefined);
    let work = noWork;
    for (const bytes of functions) {
      const fields = [...protoParts(bytes)];
      const around: Around = { constants: new Map(), depth };
      const inputs = fields.filter(({ number }) => number === 4).map(({ bytes: name }) => text(name));
      for (const { number, bytes: attribute } of fields)
        if (number === 11 && this.#attribute(attribute, around).work !== undefined)
          this.unbounded ??= `its function ${JSON.stringify(key)} takes graphs`;
      work = addWork(work, this.#nodes(fields, 7, around, inputs));
    }
    this.#calls.set(key, work);
    return work;
  }

  #nodes(fields: readonly ProtoField[], number: number, around: Around, valued: readonly string[]): Work {
    const nodes = fields.filter((field) => field.number === number).map(({ bytes }) => readNode(bytes));
    const constants = new Map(around.constants);
    const outputs = nodes.flatMap((node) => node.outputs);
    const once = new Set(outputs);
    // What a node computes is no constant, whatever around it has its name.
    for (const name of outputs) constants.delete(name);
    const seen = new Set(valued).add('');
    for (const name of outputs) {
      if (seen.has(name)) once.delete(name);
      seen.add(name);
    }
    let work = noWork;
    for (const node of nodes) {
      const { scalar, work: own } = this.#node(node, { ...around, constants });
      work = addWork(work, own);
      for (const name of node.outputs)
        if (scalar !== undefined && once.has(name)) constants.set(name, scalar);
    }
    return work;
  }

  /** What a node takes, and its value where that is a constant. */
  #node(node: Node, { constants, depth }: Around): AttributeFacts & { readonly work: Work } {
    const attributes = node.attributes.map((bytes) =>
      this.#attribute(bytes, { constants, depth: depth + 1 }),
    );
    const graphs = attributes.flatMap(({ work }) => work ?? []);
    // A function stands in for an operator of its name.
    const key = this.#functions.has(node.key) ? '' : node.key;
    const inner = graphs.reduce(addWork, this.call(node.key, depth + 1));
    const nodes = inner.nodes + 1;
    this.mixesRows ||= mixesRows(key);
    if (isRandom(key, node.inputs, constants))
      this.random ??= `it has a ${JSON.stringify(node.operator)}, which draws random numbers`;
    if (key === ':Loop') return { work: { steps: this.#loopSteps(node, inner, constants), nodes } };
    if (graphs.length > 0 && key !== ':If')
      this.unbounded ??= `it has a ${JSON.stringify(node.operator)}, whose steps may be any number`;
    const scalar = key === ':Constant' && attributes.length === 1 ? attributes[0]!.scalar : undefined;
    return { scalar, work: { steps: inner.steps, nodes } };
  }

  #loopSteps({ inputs }: Node, body: Work, constants: ReadonlyMap<string, bigint>): number {
    const bound = constants.get(inputs[0] ?? '');
    if (bound === undefined) {
      this.unbounded ??= 'it has a "Loop" without a constant number of steps';
      return Number.POSITIVE_INFINITY;
    }
    return bound <= 0n ? 0 : Number(bound) * (1 + body.steps);
  }

  /** Looks into tensors and graphs; answers the scalar integer that the attribute holds, and the work of its graphs. */
  #attribute(bytes: Uint8Array, around: Around): AttributeFacts {
    const scalars: (bigint | undefined)[] = [];
    let graph: Uint8Array | undefined;
    let work: Work | undefined;
    let name = '';
    for (const { number, wire, value, bytes: content } of protoFields(bytes)) {
      if (number === 3 && wire === 0) scalars.push(name === 'value_int' ? value : undefined);
      if (wire !== 2) continue;
      if (number === 1) name = text(content);
      else if (number === 5 || number === 10) scalars.push(readTensor(content, this.externalFiles).scalar);
      else if (number === 6) graph = onlyOne(graph, content, 'graph in an attribute');
      else if (number === 11) work = addWork(work ?? noWork, this.graph(content, around).work);
      // It is what the caller of the function says.
      else if (number === 21) scalars.push(undefined);
      else if (number === 22 || number === 23) this.#sparse(content);
    }
    if (graph !== undefined) work = addWork(work ?? noWork, this.graph(graph, around).work);
    const isScalar = scalars.length === 1 && (name === 'value' || name === 'value_int');
    return { scalar: isScalar ? scalars[0] : undefined, work };
  }

  /** The names that it has: that of its values is its own. */
  #sparse(bytes: Uint8Array): string[] {
    const parts = [...protoParts(bytes)].filter(({ number }) => number <= 2);
    return parts.map(({ bytes: tensor }) => readTensor(tensor, this.externalFiles).name);
  }
}

function readNode(bytes: Uint8Array): Node {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Uint8Array[] = [];
  let operator = '';
  let domain = '';
  for (const { number, bytes: content } of protoParts(bytes)) {
    if (number === 1) inputs.push(text(content));
    else if (number === 2) outputs.push(text(content));
    else if (number === 4) operator = text(content);
    else if (number === 5) attributes.push(content);
    else if (number === 7) domain = text(content);
  }
  return { inputs, outputs, attributes, operator, key: operatorKey(domain, operator) };
}

function nameOf(info: Uint8Array): string {
  let name = '';
  for (const { number, bytes: content } of protoParts(info)) if (number === 1) name = text(content);
  return name;
}

function checkDepth(depth: number): void {
  if (depth > graphDepthMax)
    throw refused(`its graphs and functions are nested deeper than ${graphDepthMax}`);
}

/** A part that is there twice would be read as both together, one behind the other. */
function onlyOne(before: Uint8Array | undefined, part: Uint8Array, what: string): Uint8Array {
  if (before !== undefined) throw refused(`it has more than one ${what}`);
  return part;
}
