// Loaded before the tests of each process. Node's test runner follows every promise from its making to its collection, so that an
// error which nobody awaits can be told as that of a test: in tests that are made of promises that is up to half of all the time.
//
// Here it follows no promises and no turns of the event loop: suites and what they contain are known as before. An error that nobody
// awaits still fails the run, but is a test's only where it comes from a timer or socket that was made before the first await; so it is
// told here, in full, when it is met.

import asyncHooks from "node:async_hooks";
import type { HookCallbacks } from "node:async_hooks";
import process from "node:process";
import { inspect } from "node:util";

const notFollowed = new Set(["PROMISE", "TickObject", "Immediate", "Microtask", "FSREQPROMISE"]);

const { createHook } = asyncHooks;

function createLeanHook(callbacks: HookCallbacks): ReturnType<typeof createHook> {
  const isOfTheRunner = new Error().stack?.includes("node:internal/test_runner") === true;
  if (!isOfTheRunner) return createHook(callbacks);
  for (const event of ["uncaughtException", "unhandledRejection"] as const) process.on(event, tell);
  // Nothing about an end: whoever wants to hear of it has each promise watched by the collector.
  return createHook({
    init(id, type, trigger, resource) {
      if (!notFollowed.has(type)) callbacks.init?.(id, type, trigger, resource);
    },
  });
}

function tell(reason: unknown): void {
  process.stderr.write(`nobody awaited this: ${inspect(reason)}\n`);
}

asyncHooks.createHook = createLeanHook;
