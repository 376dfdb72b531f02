// A queue on an array: taking from its front moves nothing.

export class Fifo<Item> {
  private items: Item[] = [];
  private head = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  first(): Item | undefined {
    return this.items[this.head];
  }

  push(item: Item): void {
    this.items.push(item);
  }

  /** REQUIRES: it is not empty. */
  drop(): void {
    this.head++;
    if (this.head === this.items.length) {
      this.items.length = 0;
      this.head = 0;
    } else if (this.head >= 1024 && this.head * 2 >= this.items.length) {
      // Half of the array is behind the head: each item is moved at most once on average.
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }
}
