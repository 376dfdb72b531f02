// Vertices in the order of what reaching them costs: a binary heap in two arrays. A vertex may wait more than once, at different
// costs; of equal costs the order is that of the heap, the same for the same calls.

export class VertexQueue {
  private readonly vertices: number[] = [];
  private readonly costs: number[] = [];

  clear(): void {
    this.vertices.length = 0;
    this.costs.length = 0;
  }

  add(vertex: number, cost: number): void {
    let at = this.vertices.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.costs[parent] as number) <= cost) break;
      this.put(at, this.vertices[parent] as number, this.costs[parent] as number);
      at = parent;
    }
    this.put(at, vertex, cost);
  }

  /** Takes the vertex of the least cost out; nothing when none waits. */
  takeLeast(): number | undefined {
    const least = this.vertices[0];
    const vertex = this.vertices.pop();
    const cost = this.costs.pop();
    if (vertex === undefined || cost === undefined || this.vertices.length === 0) return least;
    const length = this.vertices.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && (this.costs[child + 1] as number) < (this.costs[child] as number)) child++;
      if ((this.costs[child] as number) >= cost) break;
      this.put(at, this.vertices[child] as number, this.costs[child] as number);
      at = child;
    }
    this.put(at, vertex, cost);
    return least;
  }

  private put(at: number, vertex: number, cost: number): void {
    this.vertices[at] = vertex;
    this.costs[at] = cost;
  }
}
