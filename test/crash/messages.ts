// What the dying process tells the one that judges: a line each on its standard output, written at once, so
// that what was told before the end arrives.

import * as fs from "node:fs";
import type { KillPlan } from "./kill-points.ts";

export type Message =
  /** The store is open. */
  | { readonly kind: "open" }
  /** Writes up to this number are about to be submitted. */
  | { readonly kind: "sent"; readonly number: number }
  | { readonly kind: "answered"; readonly number: number; readonly durability: "synced" | "buffered" }
  /** Nothing is in flight, and a checkpoint of just this state begins. */
  | { readonly kind: "checkpoint"; readonly number: number }
  /** The planned point is reached. */
  | { readonly kind: "dying" }
  | { readonly kind: "failed"; readonly why: string }
  /** All writes were made, and the store was closed. */
  | { readonly kind: "ended" };

/** What the process is started with. */
export interface Orders {
  readonly folder: string;
  readonly copies: string;
  readonly seed: number;
  /** Decides what is done between the writes. */
  readonly chores: number;
  readonly firstWrite: number;
  readonly writesMax: number;
  readonly plan: KillPlan | undefined;
}

/** Under this name the worker finds the plan. */
export const planKey = "the plan of this process";

export function tell(message: Message): void {
  fs.writeSync(1, `${JSON.stringify(message)}\n`);
}
