// What lies between the nodes of a cluster of processes, and what can be done to it. Clients reach every node all the while.

export interface Wires {
  /** Where the node with this number, from 0 on, listens. */
  hostOf(node: number): string;
  /** The words of a command line in front of the node's own. */
  before(node: number): readonly string[];
  /** The port under which others reach its listener for peers, which listens on this one. */
  peerPortOf(node: number, listening: number): number;
  /** Its process is this one from now on. */
  started(node: number, pid: number): void;
  /** Nothing that `from` sends reaches `to` any more; connections stay open until somebody gives them up. Several may be made at once. */
  cut(from: number, to: number): Promise<void>;
  /** Some of what nodes send each other is lost, in each direction. */
  lose(percent: number): Promise<void>;
  /** All that this node sends leaves no faster. */
  slow(node: number, bytesPerSecond: number): Promise<void>;
  /** As it was in the beginning. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export type Pair = readonly [from: number, to: number];

/** The ways between a node and all others, there and back. */
export function around(node: number, count: number): readonly Pair[] {
  return [...outOf(node, count), ...into(node, count)];
}

export function outOf(node: number, count: number): readonly Pair[] {
  return others(node, count).map((other): Pair => [node, other]);
}

export function into(node: number, count: number): readonly Pair[] {
  return others(node, count).map((other): Pair => [other, node]);
}

const others = (node: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, at) => at).filter((each) => each !== node);
