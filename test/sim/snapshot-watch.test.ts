import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import type { Reference } from "./reference.ts";
import type { SimNode } from "./sim-node.ts";
import { SnapshotWatch } from "./snapshot-watch.ts";

// Seed 977195: a leader had forgotten a delete, as it may, and then sent a snapshot of an entry that nobody had read from a log in
// memory by then. That it had was not noted, and who took the snapshot in was blamed for the delete that it never got.
test("how far garbage is gone at who sends a chunk is asked, also while the reference has not come to its entry", () => {
  const asked: number[] = [];
  const reference = { index: 5, names: [] } as unknown as Reference;
  const watch = new SnapshotWatch(reference, ({ id }) => {
    asked.push(id);
    return { watermark: 0, expiry: 0 };
  });
  const sender = { id: 1, log: undefined } as unknown as SimNode;
  const chunk = (index: number): ReplicaMessage => {
    const message = { type: "chunk", index, term: 2, after: new Uint8Array(0), bytes: new Uint8Array(0), isLast: true };
    return message as unknown as ReplicaMessage;
  };
  watch.sent(sender, chunk(5));
  watch.sent(sender, chunk(9));
  assert.deepEqual(asked, [1, 1]);
});
