import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BytePool } from "./byte-pool.ts";

describe("copies", () => {
  it("of small payloads stay where they are when one is transferred to another thread", () => {
    const pool = new BytePool();
    const source = Uint8Array.of(1, 2, 3);
    const [one, other] = [pool.copy(source, 0, 2), pool.copy(source, 1, 3)];
    try {
      // Older versions of Node copy it, newer ones refuse.
      assert.deepEqual(structuredClone(one, { transfer: [one.buffer as ArrayBuffer] }), one);
    } catch (failure) {
      assert.equal((failure as Error).name, "DataCloneError");
    }
    assert.deepEqual([...one, ...other], [1, 2, 2, 3]);
    assert.deepEqual([...pool.copy(source, 0, 1)], [1]);
  });
});
