// How the parts of a replica see each other: each is told of the others only what it needs.

import type { ReplicaId } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import { decodeAnswer } from "./answer.ts";
import type { CommandAnswer } from "./answer.ts";
import { commandKind } from "./command.ts";
import { encodeRelease } from "./departures.ts";
import { Freshness } from "./freshness.ts";
import { answerKey } from "./group-state.ts";
import type { ForeignWrite } from "./merge.ts";
import { momentOf } from "./moment.ts";
import { Proposing } from "./proposing.ts";
import { Reads } from "./reads.ts";
import { knownFate } from "./receipts.ts";
import type { ReplicaCore } from "./replica-core.ts";
import { Salvager } from "./salvager.ts";
import { SnapshotTraffic } from "./snapshot-traffic.ts";
import type { Proposed } from "./write-answers.ts";
import type { WriteOutcome } from "./write-waiters.ts";

export function readsOf(core: ReplicaCore): Reads {
  return new Reads({
    engine: core.parts.engine,
    overlay: core.writes.overlay,
    place: () => core.place,
    applied: () => core.applier.applied,
    installing: () => core.installing,
    strongReadsMax: core.parts.options.strongReadsMax,
    ask: () => core.raft.read(),
    term: () => core.raft.status.term,
    wantTick: (until) => core.wantTick(until),
  });
}

export function freshnessOf(core: ReplicaCore): Freshness {
  const { seams, options } = core.parts;
  return new Freshness({
    clock: seams.clock,
    scheduler: seams.scheduler,
    waitMilliseconds: options.ownReadMilliseconds,
    waitersMax: options.strongReadsMax,
    applied: () => core.applier.applied,
    holds: (version) => core.place.state.holds(version.term, version.index),
    term: () => core.raft.status.term,
    ask: () => core.raft.read(),
  });
}

export function proposingOf(core: ReplicaCore): Proposing {
  const { engine, log, group, options, seams } = core.parts;
  return new Proposing({
    raft: core.raft,
    writes: core.writes,
    state: () => core.place.state,
    circumstances: () => {
      const moment = momentOf(seams.clock);
      const now = moment.monotonic;
      const isTooLateForFast = core.duties.isTooLateForFast(moment);
      const backlogMilliseconds = core.duties.backlogMilliseconds(now);
      const { salvageBytes } = group;
      const isPressed = core.pins.isPressed(now);
      const entries = core.raft.status.last - core.applier.appliedIndex;
      const unapplied = { entries, bytes: core.writes.overlay.bytes };
      return { unapplied, engine, log, options, isTooLateForFast, backlogMilliseconds, salvageBytes, isPressed };
    },
    answered: (id, stamp) => answeredBefore(core, id, stamp),
    took: (bytes) => core.pins.took(bytes, seams.clock.monotonicMilliseconds()),
  });
}

export function salvagerOf(core: ReplicaCore): Salvager {
  const { id, group, options, seams, engine } = core.parts;
  return new Salvager({
    id,
    log: group,
    bytesPerMessage: options.salvageBytesPerMessage,
    send: (message) => seams.send(message),
    appliedIndex: () => core.applier.appliedIndex,
    fateOf: async (version) => {
      const { state, incarnation } = core.place;
      if (state.holds(version.term, version.index) === true) return version;
      const fate = await core.underWay.add(knownFate({ engine, incarnation, now: state.last.stamp }, version));
      return fate?.mergedAt;
    },
    mayMerge: (write, from) => mayMerge(core, write, from),
    isPossible: ({ term, index }) => core.place.state.holds(term, index) !== false,
    propose: (write) => core.proposing.merge(write),
    isReleased: (of) => core.place.state.departures.isReleased(of, core.place.state.configuration.configuration),
    proposeRelease: (of) => core.duties.propose(commandKind.release, encodeRelease(of)),
    changed: () => core.enter(),
  });
}

export function snapshotsOf(core: ReplicaCore): SnapshotTraffic {
  return new SnapshotTraffic(core.parts, core.underWay, {
    present: () => ({ mark: core.applier.applied, incarnation: core.place.incarnation }),
    install: (snapshot) => core.install(snapshot),
    onFailure: (reason) => core.failed(reason),
  });
}

/**
 * Logs lose only what newer terms overrode. A stranger, who may have left long ago, can bring what is too old to have an effect, and
 * learn of its fate; anything else from it is forged.
 */
function mayMerge({ raft, place, isKnown, parts }: ReplicaCore, { version }: ForeignWrite, from: ReplicaId): boolean {
  if (version.term >= raft.status.term) return false;
  const { state } = place;
  return from === parts.id || isKnown(from) || state.watermark > (state.lastOfTerm(version.term)?.stamp ?? 0);
}

/** A request whose first try was applied is told what that one was told. */
function answeredBefore(core: ReplicaCore, id: Uint8Array, stamp: Stamp): Extract<Proposed, { kind: "accepted" }> {
  const { term, last } = core.raft.status;
  const version = { term, index: last };
  const outcome = firstAnswer(core, id).then((found): WriteOutcome => {
    if (typeof found === "string") return { kind: "unknown", version, why: found };
    return core.writes.again(found, stamp);
  });
  return { kind: "accepted", version, outcome };
}

/** In words why there is none. */
async function firstAnswer(core: ReplicaCore, id: Uint8Array): Promise<CommandAnswer | string> {
  const { state } = core.place;
  const { last } = state;
  const at = state.answeredAt(id);
  // Not that of an earlier request under the same id, which is forgotten, and still lies there.
  const find = async () => {
    const found = await core.parts.engine.get(core.place.incarnation, answerKey(id));
    return found?.stamp === at ? found : undefined;
  };
  let record = await find();
  // What the state knows may not be in the engine yet.
  if (record === undefined) {
    if (!(await core.freshness.whenApplied(last))) return "its answer is not at hand yet";
    record = await find();
  }
  return record === undefined ? "its answer is forgotten" : decodeAnswer(record.payload);
}
