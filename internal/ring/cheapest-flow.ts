// The cheapest way to send units through a network from the source to the sink: successive shortest paths.
//
// An arc's units may cost more the more it carries: the n-th costs `cost + steeper * (n - 1)`. As costs never fall with the
// number, sending each unit on the path that is cheapest now, which may take earlier units back, ends at the cheapest whole.
//
// A path is found by Dijkstra's method. That wants costs that are not negative, and taking units back is: so every vertex has
// a price, and a way costs what it costs plus the price where it begins less the price where it ends. Prices are raised
// after each path so that no way becomes negative. The search ends where the sink is reached: most paths are short.
//
// Costs are whole numbers from 0; sums along a path stay below 2^53. The same network gives the same flow.

import { assert } from "../base/assert.ts";
import { VertexQueue } from "./vertex-queue.ts";

export interface Arc {
  readonly from: number;
  readonly to: number;
  readonly capacity: number;
  readonly cost: number;
  readonly steeper: number;
}

const nobody = -1;

export class FlowNetwork {
  private readonly arcs: Arc[] = [];
  private readonly carried: number[] = [];
  /** For each vertex the ways that begin there: `2 * arc` goes along an arc, `2 * arc + 1` back, taking a unit off it. */
  private readonly waysFrom: number[][] = [];
  private readonly prices: number[] = [];

  addVertex(): number {
    this.prices.push(0);
    return this.waysFrom.push([]) - 1;
  }

  addArc(arc: Arc): number {
    const index = this.arcs.push(arc) - 1;
    this.carried.push(0);
    this.waysOf(arc.from).push(2 * index);
    this.waysOf(arc.to).push(2 * index + 1);
    return index;
  }

  carries(arc: number): number {
    return this.carried[arc] as number;
  }

  /** Sends up to `units`, and answers how many found a way. For a network it is called once. */
  send(source: number, sink: number, units: number): number {
    const search = new Search(this.waysFrom.length);
    for (let sent = 0; sent < units; sent++) {
      if (!this.findPath(source, sink, search)) return sent;
      for (let vertex = sink; vertex !== source; vertex = this.otherEnd(search.arrivals[vertex] as number)) {
        const way = search.arrivals[vertex] as number;
        this.carried[way >> 1] = this.carries(way >> 1) + (isBack(way) ? -1 : 1);
      }
      this.raisePrices(search, search.costs[sink] as number);
    }
    return units;
  }

  private findPath(source: number, sink: number, search: Search): boolean {
    search.begin(source);
    for (;;) {
      const vertex = search.queue.takeLeast();
      if (vertex === undefined) return false;
      if (search.isDone[vertex] === 1) continue;
      if (vertex === sink) return true;
      search.isDone[vertex] = 1;
      for (const way of this.waysOf(vertex)) {
        if (!this.isOpen(way)) continue;
        const end = this.otherEnd(way ^ 1);
        if (search.isDone[end] === 1) continue;
        const cost = (search.costs[vertex] as number) + this.costOf(way, vertex, end);
        if (cost < (search.costs[end] as number)) search.reach(end, cost, way);
      }
    }
  }

  /** Vertices that the search did not come to are at least as far as the sink. */
  private raisePrices(search: Search, sinkCost: number): void {
    for (let vertex = 0; vertex < this.prices.length; vertex++) {
      const cost = search.isDone[vertex] === 1 ? (search.costs[vertex] as number) : sinkCost;
      this.prices[vertex] = this.priceOf(vertex) + cost;
    }
  }

  private isOpen(way: number): boolean {
    const carried = this.carries(way >> 1);
    return isBack(way) ? carried > 0 : carried < this.arcOf(way).capacity;
  }

  private costOf(way: number, from: number, to: number): number {
    const { cost, steeper } = this.arcOf(way);
    const carried = this.carries(way >> 1);
    const bare = isBack(way) ? -(cost + steeper * (carried - 1)) : cost + steeper * carried;
    const priced = bare + this.priceOf(from) - this.priceOf(to);
    assert(priced >= 0, "a way of negative cost", { from, to, priced });
    return priced;
  }

  /** Where a way begins. */
  private otherEnd(way: number): number {
    const { from, to } = this.arcOf(way);
    return isBack(way) ? to : from;
  }

  private arcOf(way: number): Arc {
    return this.arcs[way >> 1] as Arc;
  }

  private priceOf(vertex: number): number {
    return this.prices[vertex] as number;
  }

  private waysOf(vertex: number): number[] {
    const ways = this.waysFrom[vertex];
    assert(ways !== undefined, "a vertex of the network", { vertex });
    return ways;
  }
}

/** What one search knows; the memory is used again by the next. */
class Search {
  /** From the source to each vertex, as far as it is known. */
  readonly costs: Float64Array;
  /** The way by which each vertex is reached at that cost. */
  readonly arrivals: Int32Array;
  /** 1 for those whose cost is the least. */
  readonly isDone: Uint8Array;
  readonly queue = new VertexQueue();

  constructor(vertices: number) {
    this.costs = new Float64Array(vertices);
    this.arrivals = new Int32Array(vertices);
    this.isDone = new Uint8Array(vertices);
  }

  begin(source: number): void {
    this.costs.fill(Number.POSITIVE_INFINITY);
    this.isDone.fill(0);
    this.queue.clear();
    this.reach(source, 0, nobody);
  }

  reach(vertex: number, cost: number, way: number): void {
    this.costs[vertex] = cost;
    this.arrivals[vertex] = way;
    this.queue.add(vertex, cost);
  }
}

function isBack(way: number): boolean {
  return (way & 1) === 1;
}
