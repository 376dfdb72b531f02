// Whether a history of operations on one object could have happened one at a time, each at some moment between its call and
// its return (Wing and Gong's search, with Lowe's memory of what was tried). An operation of unknown outcome may take effect
// at any moment after its call, or never.
//
// Events lie in a doubly linked list by time. From its head on: a call that the model accepts is lifted out together with its
// return, and the search begins again at the head; at a return of an operation that was not lifted, the last one that was is
// put back and the search goes on behind it. An empty list is a proof that it can be; no way left, that it cannot.

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
  /** The state behind an operation, or undefined when it could not have answered so. Of an unknown output: as if it succeeded. */
  apply(state: State, input: Input, output: Output | undefined): State | undefined;
  /** Equal states have equal names. */
  nameOf(state: State): string;
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
  const head = listOf(operations);
  const known = operations.filter((operation) => operation.output !== undefined).length;
  const seen = new Set<string>();
  const lifted = new Uint32Array(Math.ceil(operations.length / 32));
  const stack: { readonly node: Node; readonly state: State }[] = [];
  let state = model.first;
  let knownLifted = 0;
  let longest = 0;
  let at = head.next;
  for (let steps = 0; ; steps++) {
    // Operations of unknown outcome that are left over never took effect.
    if (knownLifted === known) return { kind: "linearizable", steps };
    if (steps >= stepsMax) return { kind: "undecided", steps };
    if (at?.match !== undefined) {
      const operation = operations[at.operation] as Operation<Input, Output>;
      const after = model.apply(state, operation.input, operation.output);
      if (after !== undefined) {
        flip(lifted, at.operation);
        const name = `${lifted.join(",")} ${model.nameOf(after)}`;
        if (seen.has(name)) {
          flip(lifted, at.operation);
        } else {
          seen.add(name);
          stack.push({ node: at, state });
          state = after;
          if (operation.output !== undefined) knownLifted++;
          longest = Math.max(longest, stack.length);
          lift(at);
          at = head.next;
          continue;
        }
      }
      at = at.next;
      continue;
    }
    // A return, or the end: what was lifted last was wrong.
    const back = stack.pop();
    if (back === undefined) return { kind: "violated", steps, longest };
    ({ state } = back);
    flip(lifted, back.node.operation);
    if (operations[back.node.operation]?.output !== undefined) knownLifted--;
    putBack(back.node);
    at = back.node.next;
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
