// Memory that several answers are cut from. Whoever hands one of them to another thread with `transfer` would take all the
// others away with it: such a call copies, or throws, as the version of Node has it.

import { markAsUntransferable } from "node:worker_threads";

export function sharedChunk(bytes: number): Uint8Array {
  const chunk = new Uint8Array(bytes);
  markAsUntransferable(chunk.buffer);
  return chunk;
}
