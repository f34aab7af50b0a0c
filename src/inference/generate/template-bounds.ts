// How much a chat template may do. What it costs is counted, never timed: the same messages end in the same way on
// every machine, and an endless or exploding template ends.

/** Evaluations, one more for so many characters or items that one of them gives, and one for each item of a loop. */
export const templateWorkMax: number = 2 ** 21;
const charactersPerWork = 256;
const itemsPerWork = 16;
/** Characters of one text that a template makes, or of all that lies in one list, each time that it does. */
export const templateTextMax: number = 2 ** 23;
/** Evaluations within one another; what the stack of the thread takes differs from machine to machine. */
export const templateDepthMax: number = 400;

/** Thrown where a template does more. */
export class TemplateBeyondBounds extends Error {}

interface Value {
  readonly type: string;
  readonly value: unknown;
}

interface Evaluating {
  run(parsed: object): Value;
  evaluate(statement: Statement | undefined, environment: unknown): Value;
}

interface Statement {
  readonly type: string;
  /** Of a loop. */
  readonly iterable?: Statement;
  /** Of what a loop goes through, where it takes only some of it. */
  readonly lhs?: Statement;
}

export type InterpreterClass = new (environment: object) => Evaluating;

/** The package's interpreter, which evaluates everything by one function of its own, with that function counted. */
export function boundedInterpreter(interpreter: InterpreterClass): InterpreterClass {
  return class extends interpreter {
    #work = 0;
    #depth = 0;
    /** What loops go through. */
    readonly #iterables: WeakSet<object> = new WeakSet();
    /** Of lists and tables, which nothing changes. */
    readonly #sizes: WeakMap<object, number> = new WeakMap();

    override evaluate(statement: Statement | undefined, environment: unknown): Value {
      if (++this.#depth > templateDepthMax)
        throw new TemplateBeyondBounds(`it nests more than ${templateDepthMax} deep`);
      try {
        if (statement?.type === 'For') this.#iterables.add(iterableOf(statement));
        const result = super.evaluate(statement, environment);
        const isIterated = statement !== undefined && this.#iterables.has(statement);
        this.#count(result.value, isIterated ? 1 : itemsPerWork);
        if (this.#sizeOf(result) > templateTextMax)
          throw new TemplateBeyondBounds(
            `it makes a text or list of more than ${templateTextMax} characters`,
          );
        return result;
      } finally {
        this.#depth--;
      }
    }

    #sizeOf(result: Value, isHeld = false): number {
      const { value } = result;
      if (typeof value === 'string') return value.length;
      if (!Array.isArray(value) && !(value instanceof Map)) return 1;
      const isNamespace = result.type === 'NamespaceValue';
      // It alone can be changed, so nothing that holds one has a size that stays.
      if (isNamespace && isHeld) throw new TemplateBeyondBounds('it puts a namespace into another value');
      const known = this.#sizes.get(result);
      if (known !== undefined) return known;
      let size = 1;
      for (const item of value.values() as Iterable<Value>) size += this.#sizeOf(item, true);
      if (!isNamespace) this.#sizes.set(result, size);
      return size;
    }

    #count(value: unknown, perWork: number): void {
      this.#work += 1 + weightOf(value, perWork);
      if (this.#work > templateWorkMax)
        throw new TemplateBeyondBounds(`it takes more than ${templateWorkMax} steps`);
    }
  };
}

function iterableOf({ iterable }: Statement): Statement {
  return iterable?.type === 'SelectExpression' ? iterable.lhs! : iterable!;
}

function weightOf(value: unknown, perWork: number): number {
  if (typeof value === 'string') return Math.floor(value.length / charactersPerWork);
  if (Array.isArray(value)) return Math.floor(value.length / perWork);
  return value instanceof Map ? Math.floor(value.size / perWork) : 0;
}
