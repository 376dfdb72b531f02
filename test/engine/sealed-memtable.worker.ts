// A worker for the memtable's tests: walks each sealed memtable that it is sent, both ways, and answers what it saw.

import { parentPort } from "node:worker_threads";
import { cursorOverSealed } from "../../internal/engine/memtable/memtable-cursor.ts";
import type { SealedMemtable } from "../../internal/engine/memtable/memtable.ts";
import { walk } from "./memtable-model.ts";

parentPort?.on("message", (sealed: SealedMemtable) => {
  const cursor = cursorOverSealed(sealed);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
  parentPort?.postMessage({ forward: walk(cursor, "forward"), backward: walk(cursor, "backward") });
});
