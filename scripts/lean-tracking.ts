// Loaded before the tests of each process. Node's test runner follows every promise from its making to its collection, so that an
// error which nobody awaits can be told as that of a test: in tests that are made of promises that is up to half of all the time.
//
// Here it follows no promises and no turns of the event loop. Suites and what they contain, timers and sockets are known as before. A
// rejection that nobody handles still fails its file, with the error and without the name of the test.

import asyncHooks from "node:async_hooks";
import type { HookCallbacks } from "node:async_hooks";

const notFollowed = new Set(["PROMISE", "TickObject", "Immediate", "Microtask", "FSREQPROMISE"]);

const { createHook } = asyncHooks;

function createLeanHook(callbacks: HookCallbacks): ReturnType<typeof createHook> {
  const isOfTheRunner = new Error().stack?.includes("node:internal/test_runner") === true;
  if (!isOfTheRunner) return createHook(callbacks);
  // Nothing about an end: whoever wants to hear of it has each promise watched by the collector.
  return createHook({
    init(id, type, trigger, resource) {
      if (!notFollowed.has(type)) callbacks.init?.(id, type, trigger, resource);
    },
  });
}

asyncHooks.createHook = createLeanHook;
