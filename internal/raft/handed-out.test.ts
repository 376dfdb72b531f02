import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../base/ids.ts";
import { HandedOut } from "./handed-out.ts";

const claim = (number: number, last: number, of = 1) => {
  return { number, term: term(of), last: logIndex(last), lastTerm: term(of) };
};

describe("Readys on their way to the disk", () => {
  it("become durable in their order, up to the one that is told", () => {
    const handedOut = new HandedOut();
    for (const number of [1, 2, 4]) handedOut.add(claim(number, 10 * number));
    assert.deepEqual(handedOut.take(3), [claim(1, 10), claim(2, 20)]);
    assert.deepEqual(handedOut.take(3), []);
    assert.deepEqual(handedOut.take(9), [claim(4, 40)]);
  });

  it("say nothing of entries that were truncated since", () => {
    const handedOut = new HandedOut();
    handedOut.add(claim(1, 10));
    handedOut.add(claim(2, 20));
    handedOut.truncatedFrom(logIndex(11));
    handedOut.add(claim(3, 20));
    assert.deepEqual(
      handedOut.take(3).map(({ last }): number => last),
      [10, 0, 20],
    );
  });

  it("are bounded, however long a disk hangs: none is believed too early, and the last one in the end", () => {
    const handedOut = new HandedOut();
    const most = 10_000;
    for (let number = 1; number <= most; number++) handedOut.add(claim(number, number));
    assert.ok(handedOut.count <= 2000, `${handedOut.count} are held`);
    for (let number = 1; number <= most; number++) {
      for (const { last } of handedOut.take(number)) assert.ok(last <= number);
    }
    assert.equal(handedOut.count, 0);
    handedOut.add(claim(most + 1, 7));
    assert.deepEqual(handedOut.take(most + 1), [claim(most + 1, 7)]);
  });
});
