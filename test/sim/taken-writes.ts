// Whether a leader may have taken the write that it has just taken, by what can be seen of it from outside (rules 7, 11, 12, 17, 25).

import { utf8 } from "../../internal/base/bytes.ts";
import { logIndex } from "../../internal/base/ids.ts";
import type { Version } from "../../internal/engine/cell.ts";
import { entryHeaderBytes, kindOf } from "../../internal/log/record.ts";
import type { RecordSlot } from "../../internal/log/record.ts";
import { commandKind } from "../../internal/replica/command.ts";
import { replicaDefaults } from "../../internal/replica/options.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { decodeSlots } from "../../internal/replica/slots-command.ts";
import { slotOf } from "../../internal/ring/slots.ts";
import type { Step, WriteDone } from "./history.ts";
import type { Sightings } from "./sightings.ts";
import { simGroup } from "./sim-node.ts";
import type { SimNode } from "./sim-node.ts";
import { Violation } from "./violation.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { filling as fillingKey, fillingCommand } from "./watermark-rise.ts";

/** Of ages that are known to a few milliseconds. */
const slackMilliseconds = 10;
const slot: RecordSlot = { bytes: new Uint8Array(0), start: 0, end: 0 };

export interface Taken {
  readonly done: WriteDone;
  /** The entry that it was told. */
  readonly version: Version;
  /** Its request was made before. */
  readonly isRetried: boolean;
}

interface TakenFast {
  readonly done: Pick<WriteDone, "steps">;
  readonly version: Version;
}

/** Nobody reads it. */
const filling: Step = {
  key: fillingKey,
  action: "put",
  condition: "none",
  expiry: "never",
  body: "",
  wantsPrevious: false,
};

/** Up to where a leader's log was, and since when. */
interface Grown {
  readonly last: number;
  readonly at: number;
}

export class TakenWrites {
  private readonly time: VirtualTime;
  /** In which term a replica was asked for a fast write though it may not take one. */
  private readonly asked = new WeakMap<Replica, number>();
  /** By the replica and the term that it leads, the oldest first. */
  private readonly grown = new WeakMap<Replica, { term: number; all: Grown[] }>();
  private readonly sightings: Sightings;
  /** In the turn that is looked at next. */
  private taken: { readonly replica: Replica; readonly term: number } | undefined;

  constructor(time: VirtualTime, sightings: Sightings) {
    this.time = time;
    this.sightings = sightings;
  }

  /** To be called after every event. */
  see(node: SimNode): void {
    const { replica } = node;
    if (replica === undefined) return;
    const { role, term, last, commit, configuration } = replica.status;
    if (this.taken?.replica === replica) {
      if (term > this.taken.term) this.sightings.note("office lost in the turn that took a write");
      this.taken = undefined;
    }
    if (role !== "leader") return;
    if (!configuration.voters.includes(node.id)) this.ask(node, replica, term);
    let known = this.grown.get(replica);
    if (known?.term !== term) this.grown.set(replica, (known = { term, all: [] }));
    if (last > (known.all.at(-1)?.last ?? 0)) known.all.push({ last, at: this.time.now });
    while ((known.all[0]?.last ?? Infinity) <= commit) known.all.shift();
  }

  /** To be asked in the turn in which it was taken. Undefined: nothing is wrong. */
  wrongOf(node: SimNode, replica: Replica, taken: Taken): Violation | undefined {
    const { done, isRetried } = taken;
    this.taken = { replica, term: replica.status.term };
    const why = done.mode === "fast" ? (wrongOfFast(node, replica, taken) ?? this.late(node, replica)) : undefined;
    if (why !== undefined || isRetried) return why;
    if (done.request !== undefined && replica.state.answered.size >= node.answersMax) {
      return new Violation(
        "a full table takes no requests",
        `node ${node.id} remembers ${replica.state.answered.size}`,
      );
    }
    return wrongOfSeal(node, replica, taken);
  }

  /** Clients seldom meet a leader that is about to leave: it is asked here, once. */
  private ask(node: SimNode, replica: Replica, term: number): void {
    if (this.asked.get(replica) === term) return;
    this.asked.set(replica, term);
    node.clock.live(() => {
      if (node.replica !== replica || replica.status.term !== term) return;
      const proposed = replica.propose("fast", () => fillingCommand);
      if (proposed.kind === "refused") return;
      const wrong = wrongOfFast(node, replica, { done: { steps: [filling] }, version: proposed.version });
      if (wrong !== undefined) node.report(wrong);
    });
  }

  /** The oldest entry that is not committed has waited for too long. */
  private late(node: SimNode, replica: Replica): Violation | undefined {
    const { commit } = replica.status;
    // Some of it may have been committed earlier in this turn.
    const oldest = this.grown.get(replica)?.all.find(({ last }) => last > commit);
    // A process that was paused within a turn goes on with that turn's time.
    if (!replica.status.hasQuorum || oldest === undefined || node.clock.wasPausedSince(oldest.at)) return undefined;
    const age = this.time.now - oldest.at;
    if (age <= replicaDefaults.fastBacklogMilliseconds + slackMilliseconds) return undefined;
    const what = `node ${node.id} took one, and what is behind ${commit} has waited for ${age} ms`;
    return new Violation("fast writes wait for the backlog", what);
  }
}

function wrongOfFast(node: SimNode, replica: Replica, { done, version }: TakenFast): Violation | undefined {
  const { status, state } = replica;
  const name = `node ${node.id} took ${version.term}.${version.index} as a fast write`;
  if (done.steps.length !== 1 || !done.steps.every(isBlind)) {
    return new Violation("fast writes read nothing", name);
  }
  const { voters } = status.configuration;
  if (!voters.includes(node.id)) {
    return new Violation("fast writes are taken by voters", `${name}, and the voters are ${voters.join()}`);
  }
  if (state.last.term !== status.term) {
    const what = `${name}; it leads term ${status.term}, and has applied up to term ${state.last.term}`;
    return new Violation("fast writes are taken behind the no-op", what);
  }
  return undefined;
}

/** From a seal on no write of its slots follows it in the log, though nobody has applied it yet. */
function wrongOfSeal(node: SimNode, replica: Replica, { done, version }: Taken): Violation | undefined {
  const log = node.log?.group(simGroup);
  const { state, status } = replica;
  if (log === undefined) return undefined;
  const sealing = new Set<number>();
  for (let index = state.last.index + 1; index < version.index; index++) {
    if (!log.find(logIndex(index), slot)) return undefined;
    // What an earlier leader left there, this one has not looked into.
    if (log.termOf(logIndex(index)) !== status.term || kindOf(slot.bytes, slot.start) !== commandKind.slots) continue;
    const { mode, slots } = decodeSlots(slot.bytes, slot.start + entryHeaderBytes, slot.end);
    if (mode !== "open") for (const one of slots) sealing.add(one);
  }
  const step = done.steps.find(({ key }) => {
    const of = slotOf(utf8(key), 0, utf8(key).length);
    return sealing.has(of) || state.slots.isSealed(of);
  });
  if (step === undefined) return undefined;
  return new Violation(
    "sealed slots take no writes",
    `node ${node.id} took ${version.term}.${version.index} of ${step.key}`,
  );
}

function isBlind({ action: what, condition, expiry, wantsPrevious }: Step): boolean {
  const isPlain = what === "put" || what === "delete";
  return isPlain && condition === "none" && expiry !== "keep" && !wantsPrevious;
}
