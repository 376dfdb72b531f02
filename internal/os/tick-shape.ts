// Node makes an object for each call of process.nextTick, of which it makes a dozen for a request: a literal with computed names. V8 makes
// such a literal quickly as long as it knows its shape. A shape that no object has is forgotten when garbage is collected, as happens more
// than once while a node starts and the heap is young; and where V8 has met two shapes, it looks for the right one ever after, which
// took 600 ns instead of 90 on the machine of docs/performance.md (Node 20; 22 to 26 do the same). One object that is kept keeps the shape.
//
// Asking Node for the object makes it tell JavaScript of each call from native code from then on; what is gained is measured with that.

import { executionAsyncResource } from "node:async_hooks";

let kept: object | undefined;

/** To be called when a process begins that is to serve many requests. Resolves when it is done: true where there is such an object. */
export function keepTickShape(): Promise<boolean> {
  return new Promise((resolve) => {
    process.nextTick(() => {
      kept ??= executionAsyncResource();
      resolve(Object.getOwnPropertyNames(kept).includes("callback"));
    });
  });
}
