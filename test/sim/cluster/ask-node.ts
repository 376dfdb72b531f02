// A request of a client on its way to a node, and what comes back: an answer, a refusal, or nothing, when the process ends before. A
// process that runs answers by the deadline, whatever has become of all others.

import { TrefoilError } from "../../../internal/base/errors.ts";
import type { Caller, Coordinator } from "../../../internal/node/requests.ts";
import { Violation } from "../violation.ts";
import type { Machine } from "./machine.ts";
import type { SimWorld } from "./sim-world.ts";

export type Heard<T> =
  | { readonly kind: "answered"; readonly value: T }
  | { readonly kind: "refused"; readonly failure: TrefoilError }
  /** It never reached a node. */
  | { readonly kind: "nobody" }
  /** The process that had it is no more, or does not go on for too long: nobody knows. */
  | { readonly kind: "lost" };

/** By how much an answer may be later than its deadline: a turn, and what timers are rounded to. */
const slackMilliseconds = 5;
/** A client waits for so much longer than it says. */
const patienceMilliseconds = 3000;

export function askNode<T>(
  world: SimWorld,
  machine: Machine,
  timeoutMilliseconds: number,
  action: (coordinator: Coordinator, caller: Caller) => Promise<T>,
): Promise<Heard<T>> {
  const { node, clock } = machine;
  const { time, met } = world;
  if (node === undefined) return Promise.resolve({ kind: "nobody" });
  return new Promise((resolve) => {
    let isOver = false;
    const settle = (heard: Heard<T>): void => {
      if (isOver) return;
      isOver = true;
      forget();
      patience.cancel();
      resolve(heard);
    };
    const forget = machine.whenEnded(() => settle({ kind: "lost" }));
    const patience = time.after(timeoutMilliseconds + patienceMilliseconds, () => settle({ kind: "lost" }));
    clock.live(() => {
      if (isOver) return;
      const begun = time.now;
      if (node.keeper.epoch > 0 && node.keeper.epoch < world.epoch) met.note("request to a node with an older map");
      const { coordinator } = node;
      const caller: Caller = { deadline: coordinator.now() + timeoutMilliseconds, signal: undefined, trace: "" };
      time.after(timeoutMilliseconds + slackMilliseconds, () => {
        if (isOver || clock.isDead || machine.isStopping || clock.wasPausedSince(begun)) return;
        machine.report(new Violation("answered by the deadline", `${machine.id} owes an answer since ${begun} ms`));
      });
      // What was awaited while the process stood still is told when it goes on.
      action(coordinator, caller).then(
        (value) =>
          clock.live(() => {
            if (clock.wasPausedSince(begun)) met.note("request answered by a process that was paused");
            settle({ kind: "answered", value });
          }),
        (failure: unknown) =>
          clock.live(() => {
            if (failure instanceof TrefoilError) settle({ kind: "refused", failure });
            else if (world.explains(failure)) settle({ kind: "lost" });
            else machine.report(failure);
          }),
      );
    });
  });
}
