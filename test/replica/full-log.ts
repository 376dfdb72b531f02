// A node's log that takes nothing more, as when all that may wait for its disk is waiting.

import assert from "node:assert/strict";
import type { Rig } from "./rig.ts";

/** Until the returned function is called. */
export function fillLog(rig: Rig, id: number): () => void {
  const { log } = rig.node(id);
  assert.ok(log !== undefined);
  let makeRoom = (): void => undefined;
  Object.defineProperty(log, "hasRoom", { get: () => false, configurable: true });
  log.whenRoom = () => new Promise<void>((resolve) => (makeRoom = resolve));
  return () => {
    Reflect.deleteProperty(log, "hasRoom");
    Reflect.deleteProperty(log, "whenRoom");
    makeRoom();
  };
}
