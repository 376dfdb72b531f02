// What clients do: drawn from the seed, and a random subset of the features for each seed, for those that always occur together
// hide each other. The first letter of a key says how it is used: s strongly only, f by fast writes, m by both.

import { unreachable } from "../../internal/base/assert.ts";
import type { Prng } from "../../internal/base/prng.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { Mode, Step, StepAction, StepCondition, StepExpiry } from "./history.ts";

export const features = [
  "fast writes",
  "mixed keys",
  "conditions",
  "counters",
  "appends",
  "batches",
  "deletes",
  "ttl",
  "ttl keep",
  "touch",
  "previous",
  "requests",
  "session reads",
  "receipts",
  "skewed keys",
  "filler",
  "slots",
  "bounded reads",
  "own reads",
] as const;
export type Feature = (typeof features)[number];

/** What a client is to do next. */
export type Intent =
  | { readonly kind: "read"; readonly mode: Mode; readonly key: string }
  | {
      readonly kind: "write";
      readonly mode: "fast" | "strong";
      readonly steps: readonly Step[];
      readonly isKeyed: boolean;
    }
  | { readonly kind: "receipt" };

/** What a client knows of a key: for conditions that have a chance. */
export type KnownVersion = (key: string) => Version | undefined;

export const keysOfAKind = 3;

export class Workload {
  private readonly on: ReadonlySet<Feature>;
  private readonly kinds: readonly string[];

  constructor(random: Prng, without: ReadonlySet<string>) {
    // What is peculiar to them needs more of them.
    const chosen = features.filter((feature) => random.chance(feature === "fast writes" ? 4 : 3, 5));
    this.on = new Set(chosen.filter((feature) => !without.has(feature)));
    const kinds = ["s", "s"];
    if (this.on.has("fast writes")) kinds.push("f");
    if (this.on.has("fast writes") && this.on.has("mixed keys")) kinds.push("m");
    this.kinds = kinds;
  }

  has(feature: Feature): boolean {
    return this.on.has(feature);
  }

  /** `name` is unlike that of any other intent. */
  next(random: Prng, name: string, known: KnownVersion): Intent {
    const kind = random.pick(this.kinds);
    const number = this.has("skewed keys") && random.chance(1, 2) ? 0 : random.below(keysOfAKind);
    const partition = `${kind}${number}`;
    if (this.has("receipts") && kind !== "s" && random.chance(1, 10)) return { kind: "receipt" };
    if (random.chance(2, 5)) return this.read(random, partition);
    const isFast = kind === "f" ? random.chance(4, 5) : kind === "m" && random.chance(1, 2);
    const isKeyed = this.has("requests") && random.chance(1, 3);
    if (isFast) {
      // Now and then one that reads, which nobody may take.
      const isReading = random.chance(1, 25);
      const blind = isReading ? undefined : [this.blind(random, this.keyOf(random, partition), name)];
      const steps = blind ?? this.steps(random, partition, { name, known });
      return { kind: "write", mode: "fast", steps, isKeyed };
    }
    return { kind: "write", mode: "strong", steps: this.steps(random, partition, { name, known }), isKeyed };
  }

  private read(random: Prng, partition: string): Intent {
    const modes: Mode[] = ["strong", "strong", "fast"];
    if (this.has("session reads")) modes.push("session");
    if (this.has("bounded reads")) modes.push("bounded");
    if (this.has("own reads")) modes.push("own");
    return { kind: "read", mode: random.pick(modes), key: this.keyOf(random, partition) };
  }

  private keyOf(random: Prng, partition: string): string {
    return this.has("batches") ? `${partition}/${random.pick(["a", "b"])}` : partition;
  }

  private steps(random: Prng, partition: string, { name, known }: { name: string; known: KnownVersion }): Step[] {
    if (this.has("batches") && random.chance(1, 4)) {
      const keys = [`${partition}/a`, `${partition}/b`];
      return keys.map((key) => this.reading(random, key, { name: `${name}${key.slice(-1)}`, known }));
    }
    return [this.reading(random, this.keyOf(random, partition), { name, known })];
  }

  private blind(random: Prng, key: string, name: string): Step {
    const isDelete = this.has("deletes") && random.chance(1, 5);
    const expiry = !isDelete && this.has("ttl") && random.chance(1, 3) ? this.ttl(random) : "never";
    return {
      key,
      action: isDelete ? "delete" : "put",
      condition: "none",
      expiry,
      body: isDelete ? "" : name,
      wantsPrevious: false,
    };
  }

  private reading(random: Prng, key: string, { name, known }: { name: string; known: KnownVersion }): Step {
    const action = random.pick(this.actions(key));
    const condition = this.condition(random, known(key));
    const isDelete = action === "delete";
    const wantsPrevious = this.has("previous") && random.chance(1, 3);
    return {
      key,
      action,
      condition,
      expiry: isDelete ? "never" : this.expiry(random),
      body: bodyOf(action, name),
      wantsPrevious,
    };
  }

  /** The keys with number 1 are counters, if there are counters: other values would only get in their way. */
  private actions(key: string): StepAction[] {
    const isCounter = this.has("counters") && key[1] === "1";
    const actions: StepAction[] = isCounter ? ["increment", "increment", "increment"] : ["put", "put", "put"];
    if (this.has("counters") && key[1] === "2") actions.push("increment");
    if (this.has("appends") && !isCounter) actions.push("append");
    if (this.has("deletes")) actions.push("delete");
    if (this.has("touch")) actions.push("touch");
    return actions;
  }

  private condition(random: Prng, known: Version | undefined): StepCondition {
    if (!this.has("conditions") || random.chance(1, 2)) return "none";
    return random.pick<StepCondition>(["absent", "present", known ?? "absent", known ?? "present"]);
  }

  private expiry(random: Prng): StepExpiry {
    if (this.has("ttl keep") && random.chance(1, 4)) return "keep";
    return this.has("ttl") && random.chance(1, 3) ? this.ttl(random) : "never";
  }

  private ttl(random: Prng): number {
    return random.between(100, random.pick([1000, 10_000]));
  }
}

function bodyOf(action: StepAction, name: string): string {
  switch (action) {
    case "put":
      return name;
    case "append":
      return `+${name}`;
    case "increment":
      return String(1 + (name.length % 3));
    case "delete":
    case "touch":
      return "";
    default:
      return unreachable(action, "an action");
  }
}
