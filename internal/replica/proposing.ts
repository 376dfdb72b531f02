// The ways of a write into the leader's log. A request that is made again while its first try is on its way joins it: it gets the
// same answer, and no second entry. While a fast one that was lost is about to come back by a merge, none is answered fast again:
// it would be told a version that is never under its key. From the moment a seal is in the log, no write of its slots follows it (rule 25).

import type { LogIndex } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import { fastFlag } from "../log/record.ts";
import type { Raft } from "../raft/raft.ts";
import { slotOf } from "../ring/slots.ts";
import { commandFault, loadFault, slotsFault } from "./command-check.ts";
import { commandKind, encodeCommand } from "./command.ts";
import type { Command } from "./command.ts";
import { keyName } from "./decide.ts";
import type { GroupState } from "./group-state.ts";
import { encodeLoad, encodeMerge } from "./merge.ts";
import type { ForeignWrite, LoadCommand } from "./merge.ts";
import { encodeSlots } from "./slots-command.ts";
import type { SlotsCommand } from "./slots-command.ts";
import type { Consistency, Proposed, WriteAnswers } from "./write-answers.ts";
import { refusalForRoom, refusalOfWrite } from "./write-rules.ts";
import type { WriteCircumstances } from "./write-rules.ts";

type Accepted = Extract<Proposed, { readonly kind: "accepted" }>;

interface Asked {
  readonly consistency: Consistency;
  readonly accepted: Accepted;
}

export interface ProposingParts {
  readonly raft: Raft;
  readonly writes: WriteAnswers;
  state(): GroupState;
  /** What decides, beside the core and the state, whether a write may come in now. */
  circumstances(): WriteCircumstances;
  /** The answer that a request was given before. */
  answered(id: Uint8Array, stamp: Stamp): Accepted;
  /** A write's entry of so many bytes is in the log. */
  took(bytes: number): void;
}

export class Proposing {
  private readonly parts: ProposingParts;
  /** Requests in this leader's log that are not applied, by name. */
  private readonly asked = new Map<string, Asked>();
  /** Requests of salvaged writes whose merge is in this leader's log and not applied. */
  private readonly merging = new Map<string, LogIndex>();
  /** Slots whose seal is in this leader's log and not applied. */
  private readonly sealing = new Map<number, LogIndex>();

  constructor(parts: ProposingParts) {
    this.parts = parts;
  }

  write(consistency: Consistency, make: (stamp: Stamp) => Command): Proposed {
    const { raft, writes } = this.parts;
    const stamp = raft.nextStamp();
    const command = make(stamp);
    const fault = commandFault(command);
    if (fault !== undefined) return { kind: "refused", ...fault };
    const { request } = command;
    const state = this.parts.state();
    const name = request === undefined ? undefined : keyName(request.id);
    const known = name === undefined ? undefined : this.asked.get(name);
    const isKnown = known !== undefined || (request !== undefined && state.answeredAt(request.id) !== undefined);
    const requests = this.asked.size;
    const asked = { raft, state, command, consistency, isKnown, stamp, requests };
    const why = refusalOfWrite(asked, this.parts.circumstances());
    if (why !== undefined) return { kind: "refused", why };
    // Its first try may be about to take effect under its own version: this one would have none.
    if (consistency === "fast" && name !== undefined && this.merging.has(name)) return { kind: "refused", why: "busy" };
    if (!isKnown && this.isSealed(command, state)) return { kind: "refused", why: "sealed" };
    // One that waits for a majority cannot be content with a first try that did not.
    if (known !== undefined && (consistency === "fast" || known.consistency === "strong")) return known.accepted;
    if (isKnown && known === undefined && consistency === "fast" && request !== undefined) {
      return this.parts.answered(request.id, stamp);
    }
    const payload = encodeCommand(command);
    const flags = consistency === "fast" ? fastFlag : 0;
    const needsQuorum = consistency === "strong";
    const result = raft.propose({ stamp, flags, kind: commandKind.operations, payload, needsQuorum });
    if (result.kind === "refused") return result;
    this.parts.took(payload.length);
    const { term, index } = result;
    const version = { term, index };
    const accepted: Accepted = {
      kind: "accepted",
      version,
      outcome: writes.await({ term, index, stamp, consistency, command, payload }),
    };
    if (name !== undefined && known === undefined) this.asked.set(name, { consistency, accepted });
    return accepted;
  }

  /** Seals, closes or opens slots. */
  slots(command: SlotsCommand): Proposed {
    const { raft } = this.parts;
    const fault = slotsFault(command);
    if (fault !== undefined) return { kind: "refused", ...fault };
    // No version of a key may fall: see slots-command.ts.
    if (command.mode === "open" && raft.status.term <= command.above) return { kind: "refused", why: "term_too_low" };
    const proposed = this.own(commandKind.slots, encodeSlots(command));
    if (proposed.kind === "accepted" && command.mode !== "open") {
      for (const slot of command.slots) setLast(this.sealing, slot, proposed.version.index);
    }
    return proposed;
  }

  /** Takes in records of another group. */
  load(load: LoadCommand): Proposed {
    const fault = loadFault(load);
    if (fault !== undefined) return { kind: "refused", ...fault };
    const { slots } = this.parts.state();
    const isTaken = load.writes.every(({ key }) => slots.takesLoads(slotOf(key, 0, key.length), load.since));
    if (!isTaken) return { kind: "refused", why: "not_sealed" };
    const payload = encodeLoad(load);
    const proposed = this.own(commandKind.load, payload);
    if (proposed.kind === "accepted") this.parts.took(payload.length);
    return proposed;
  }

  /** Brings in a write that the group's logs lost. False: not now. */
  merge(write: ForeignWrite): boolean {
    const { raft } = this.parts;
    const stamp = raft.nextStamp();
    const payload = encodeMerge(write);
    const result = raft.propose({ stamp, flags: 0, kind: commandKind.merge, payload, needsQuorum: false });
    if (result.kind === "refused") return false;
    if (write.request !== undefined) setLast(this.merging, keyName(write.request.id), result.index);
    return true;
  }

  applied(index: LogIndex): void {
    dropApplied(this.merging, index, identity);
    dropApplied(this.asked, index, ({ accepted }) => accepted.version.index);
    dropApplied(this.sealing, index, identity);
  }

  /** Another term: what this leader's log held may have gone. */
  newTerm(): void {
    this.asked.clear();
    this.merging.clear();
    this.sealing.clear();
  }

  private own(kind: number, payload: Uint8Array): Proposed {
    const { raft, writes } = this.parts;
    if (raft.status.role !== "leader") return { kind: "refused", why: "not_leader" };
    // Moved slots are what makes room elsewhere.
    const why = refusalForRoom(kind === commandKind.load, this.parts.circumstances());
    if (why !== undefined) return { kind: "refused", why };
    const stamp = raft.nextStamp();
    const result = raft.propose({ stamp, flags: 0, kind, payload, needsQuorum: true });
    if (result.kind === "refused") return result;
    const { term, index } = result;
    const outcome = writes.await({ term, index, stamp, consistency: "strong", command: undefined, payload });
    return { kind: "accepted", version: { term, index }, outcome };
  }

  private isSealed(command: Command, state: GroupState): boolean {
    if (this.sealing.size === 0 && state.slots.sealedCount === 0) return false;
    return command.operations.some(({ key }) => {
      const slot = slotOf(key, 0, key.length);
      return this.sealing.has(slot) || state.slots.isSealed(slot);
    });
  }
}

/** In the order of indexes, though the name may be there with a lesser one. */
function setLast<Name>(known: Map<Name, LogIndex>, name: Name, index: LogIndex): void {
  known.delete(name);
  known.set(name, index);
}

const identity = (index: LogIndex): LogIndex => index;

/** REQUIRES: what is in it was put there in the order of its index; so only what is dropped is looked at, and one more. */
function dropApplied<Name, What>(known: Map<Name, What>, applied: LogIndex, indexOf: (what: What) => LogIndex): void {
  for (const [name, what] of known) {
    if (indexOf(what) > applied) return;
    known.delete(name);
  }
}
