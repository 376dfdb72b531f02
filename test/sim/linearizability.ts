// Whether a history of operations on one object could have happened one at a time, each at some moment between its call and
// its return (Wing and Gong's search, with Lowe's memory of what was tried). An operation of unknown outcome may take effect
// at any moment after its call, or never.
//
// Events lie in a doubly linked list by time. From its head on: a call that the model accepts is lifted out together with its
// return, and the search begins again at the head; at a return of an operation that was not lifted, the last one that was is
// put back and the search goes on behind it. An empty list is a proof that it can be; no way left, that it cannot.
//
// What the model takes in one order only (inOrder) is tried in no other. Three searches go side by side, and the first that is through
// decides, for each is lost in histories in which another one is not. One tries calls as they come. One tries those of known
// outcome first, then those that let the operation that returns first have its answer, then the rest: most of unknown outcome never
// took effect, and each that is lifted without need doubles what has to be tried behind it. The third one stops short of the rest, and so
// finds orders soon where a few explain all, behind wrong guesses too; that it finds none proves nothing.

export interface Operation<Input, Output> {
  readonly input: Input;
  /** Undefined: nobody knows whether it took effect, and with what answer. */
  readonly output: Output | undefined;
  readonly calledAt: number;
  /** REQUIRES: not before calledAt. Of an unknown outcome it does not matter. */
  readonly returnedAt: number;
}

export interface Model<State, Input, Output> {
  readonly first: State;
  /**
   * The states that may be behind an operation; none when it could not have answered so. Of an unknown output: as if it took
   * effect, for otherwise it is left out.
   */
  apply(state: State, operation: Operation<Input, Output>): readonly State[];
  /** Equal states have equal names. */
  nameOf(state: State): string;
  /** Those that the model takes in one order only, by their places in `operations`. */
  inOrder(operations: readonly Operation<Input, Output>[]): readonly number[];
}

export type Verdict =
  | { readonly kind: "linearizable"; readonly steps: number }
  /** No order explains the operations; those up to `longest` of them can be ordered. */
  | { readonly kind: "violated"; readonly steps: number; readonly longest: number }
  /** Not decided within the limit. Not a pass. */
  | { readonly kind: "undecided"; readonly steps: number };

interface Node {
  readonly operation: number;
  /** Of a call: its return. */
  match: Node | undefined;
  previous: Node | undefined;
  next: Node | undefined;
}

export function checkLinearizable<State, Input, Output>(
  operations: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
  stepsMax = 2_000_000,
): Verdict {
  const known = operations.filter((operation) => operation.output !== undefined).length;
  const going = new Set(orders.map((order) => new Search(operations, model, order)));
  for (let steps = 0; ; steps++) {
    for (const search of going) {
      // Operations of unknown outcome that are left over never took effect.
      if (search.knownLifted === known) return { kind: "linearizable", steps };
      if (steps >= stepsMax) return { kind: "undecided", steps };
      if (search.step()) continue;
      if (search.isWhole) return { kind: "violated", steps, longest: search.longest };
      going.delete(search);
    }
  }
}

const orders = ["as called", "known first", "explaining only"] as const;
type Order = (typeof orders)[number];

/** Calls of known outcome; unknown ones that let the operation that returns first have its answer; all unknown ones. */
type Phase = "known" | "explaining" | "unknown";
const phaseAfter = { known: "explaining", explaining: "unknown", unknown: undefined } as const;

interface Lifted<State> {
  readonly node: Node;
  readonly phase: Phase;
  /** Before it. */
  readonly state: State;
  /** What else may be behind it. */
  readonly others: readonly State[];
}

class Search<State, Input, Output> {
  knownLifted = 0;
  /** So many could be put into an order. */
  longest = 0;
  private readonly operations: readonly Operation<Input, Output>[];
  private readonly model: Model<State, Input, Output>;
  private readonly head: Node;
  private readonly seen = new Set<string>();
  private readonly bits: Uint32Array;
  private readonly stack: Lifted<State>[] = [];
  private state: State;
  private at: Node | undefined;
  /** What is tried now, the phases before having come to nothing. */
  private phase: Phase = "known";
  private readonly order: Order;
  /** By operation, of those that come in one order only. */
  private readonly rank = new Map<number, number>();
  /** How many of them. */
  private ranked = 0;

  constructor(operations: readonly Operation<Input, Output>[], model: Model<State, Input, Output>, order: Order) {
    this.order = order;
    this.operations = operations;
    this.model = model;
    this.head = listOf(operations);
    this.bits = new Uint32Array(Math.ceil(operations.length / 32));
    this.state = model.first;
    this.at = this.head.next;
    for (const [rank, operation] of model.inOrder(operations).entries()) this.rank.set(operation, rank);
  }

  /** Tries every way, if it has to. */
  get isWhole(): boolean {
    return this.order !== "explaining only";
  }

  /** False: every way was tried, or all that it tries. */
  step(): boolean {
    let { at } = this;
    while (at?.match !== undefined && !this.isForNow(at)) at = at.next;
    if (at?.match === undefined) {
      const next = this.order === "as called" ? undefined : phaseAfter[this.phase];
      if (next === undefined || (next === "unknown" && !this.isWhole)) return this.goBack();
      this.begin(next);
      return true;
    }
    const states = this.model.apply(this.state, this.operationOf(at));
    if (!this.tryStates(at, states)) this.at = at.next;
    return true;
  }

  /** Lifts the call out with the first of the states that was not come to before. */
  private tryStates(at: Node, states: readonly State[]): boolean {
    if (states.length === 0) return false;
    flip(this.bits, at.operation);
    for (const [which, after] of states.entries()) {
      const name = `${this.bits.join(",")} ${this.model.nameOf(after)}`;
      if (this.seen.has(name)) continue;
      this.seen.add(name);
      this.stack.push({ node: at, phase: this.phase, state: this.state, others: states.slice(which + 1) });
      this.state = after;
      if (!this.isUnknown(at)) this.knownLifted++;
      if (this.rank.has(at.operation)) this.ranked++;
      this.longest = Math.max(this.longest, this.stack.length);
      lift(at);
      this.begin("known");
      return true;
    }
    flip(this.bits, at.operation);
    return false;
  }

  /** A return, or the end: what was lifted last was wrong, or came to something else. */
  private goBack(): boolean {
    const back = this.stack.pop();
    if (back === undefined) return false;
    const { node, phase, state, others } = back;
    this.state = state;
    this.phase = phase;
    flip(this.bits, node.operation);
    if (!this.isUnknown(node)) this.knownLifted--;
    if (this.rank.has(node.operation)) this.ranked--;
    putBack(node);
    if (!this.tryStates(node, others)) this.at = node.next;
    return true;
  }

  private begin(phase: Phase): void {
    this.phase = phase;
    this.at = this.head.next;
  }

  private isForNow(at: Node): boolean {
    const rank = this.rank.get(at.operation);
    if (rank !== undefined && rank !== this.ranked) return false;
    if (this.order === "as called") return true;
    if (this.phase === "known") return !this.isUnknown(at);
    return this.isUnknown(at) && (this.phase === "unknown" || this.explains(at));
  }

  /** Behind it the operation that returns first can have its answer. */
  private explains(at: Node): boolean {
    let first: Node | undefined = at;
    while (first?.match !== undefined) first = first.next;
    if (first === undefined) return false;
    const returning = this.operationOf(first);
    // It needs none.
    if (!this.isWhole && this.model.apply(this.state, returning).length > 0) return false;
    const states = this.model.apply(this.state, this.operationOf(at));
    return states.some((state) => this.model.apply(state, returning).length > 0);
  }

  private isUnknown(node: Node): boolean {
    return this.operationOf(node).output === undefined;
  }

  private operationOf(node: Node): Operation<Input, Output> {
    return this.operations[node.operation] as Operation<Input, Output>;
  }
}

function listOf<Input, Output>(operations: readonly Operation<Input, Output>[]): Node {
  const events: { readonly at: number; readonly isReturn: boolean; readonly node: Node }[] = [];
  for (const [index, { calledAt, returnedAt, output }] of operations.entries()) {
    const back: Node = { operation: index, match: undefined, previous: undefined, next: undefined };
    const call: Node = { operation: index, match: back, previous: undefined, next: undefined };
    events.push({ at: calledAt, isReturn: false, node: call });
    events.push({ at: output === undefined ? Number.POSITIVE_INFINITY : returnedAt, isReturn: true, node: back });
  }
  // Calls before returns of the same moment: they may overlap.
  events.sort((left, right) => compare(left.at, right.at) || Number(left.isReturn) - Number(right.isReturn));
  const head: Node = { operation: -1, match: undefined, previous: undefined, next: undefined };
  let last = head;
  for (const { node } of events) {
    last.next = node;
    node.previous = last;
    last = node;
  }
  return head;
}

const compare = (left: number, right: number): number => (left < right ? -1 : left > right ? 1 : 0);

function flip(bits: Uint32Array, at: number): void {
  bits[at >> 5] = (bits[at >> 5] as number) ^ (1 << (at & 31));
}

function lift(call: Node): void {
  unlink(call);
  if (call.match !== undefined) unlink(call.match);
}

function putBack(call: Node): void {
  if (call.match !== undefined) relink(call.match);
  relink(call);
}

function unlink(node: Node): void {
  if (node.previous !== undefined) node.previous.next = node.next;
  if (node.next !== undefined) node.next.previous = node.previous;
}

function relink(node: Node): void {
  if (node.previous !== undefined) node.previous.next = node;
  if (node.next !== undefined) node.next.previous = node;
}
