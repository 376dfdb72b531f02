import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { WalkTurns } from "./walk-turns.ts";

const share = 512 * 1024;

/** The turns of an event loop that has nothing else to do. */
class Turns {
  private due: (() => void)[] = [];

  afterTurn(action: () => void): void {
    this.due.push(action);
  }

  get hasNext(): boolean {
    return this.due.length > 0;
  }

  async next(): Promise<void> {
    const { due } = this;
    this.due = [];
    for (const action of due) action();
    await new Promise((resolve) => void setImmediate(resolve));
  }
}

/** So many walks over so many records each; what each turn copied, and who. */
async function walk(walks: number, records: number, bytes: number): Promise<readonly (readonly number[])[]> {
  const loop = new Turns();
  const turns = new WalkTurns(loop);
  const copied: number[][] = [[]];
  const all = Array.from({ length: walks }, async (_, which) => {
    for (let left = records; left > 0; left--) {
      await turns.take(bytes);
      copied.at(-1)?.push(which);
    }
  });
  await new Promise((resolve) => void setImmediate(resolve));
  while (loop.hasNext) {
    copied.push([]);
    await loop.next();
  }
  await Promise.all(all);
  return copied.filter((turn) => turn.length > 0);
}

describe("engine: what walks copy in a turn", () => {
  it("is a share for all of them together, and they go on in the order in which they came", async () => {
    const turns = await walk(5, 4, share / 2);
    assert.ok(
      turns.every((turn) => turn.length <= 2),
      JSON.stringify(turns),
    );
    assert.equal(turns.flat().length, 20);
    const firsts = turns
      .flat()
      .slice(0, 5)
      .toSorted((left, right) => left - right);
    assert.deepEqual(firsts, [0, 1, 2, 3, 4], "nobody has a second one before all have had their first");
  });

  it("is one record where that is larger than the share", async () => {
    const turns = await walk(3, 2, 3 * share);
    assert.deepEqual(
      turns.map((turn) => turn.length),
      [1, 1, 1, 1, 1, 1],
    );
  });

  it("leaves no turn for those who copy little", async () => {
    const turns = await walk(2, 50, 100);
    assert.equal(turns.length, 1);
  });
});
