// Messages between replicas, for tests of their encoding.

import { emptyBytes, utf8 } from "../../internal/base/bytes.ts";
import { groupId, logIndex, replicaId, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { entryRecord } from "../../internal/log/record.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import { entryOf } from "../../internal/replica/log-entries.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";

export const messageGroup = groupId(7);
const address = { from: replicaId(1), to: replicaId(2) };
export const toTerm = { ...address, term: term(3) };
/** Above 32 bits, and nearly at 2^53. */
const far = logIndex(2 ** 47 + 1);
const late = stamp(Number.MAX_SAFE_INTEGER);

export const sampleEntries = [1, 2, 3].map((at) => {
  const fields = {
    group: messageGroup,
    term: term(2),
    index: logIndex(at),
    stamp: stamp(at * 1000),
    flags: at,
    kind: 5,
  };
  const bytes = entryRecord(fields.group, fields, new Uint8Array(at * 100).fill(at));
  return entryOf({ bytes, start: 0, end: bytes.length });
});
const write = {
  version: { term: term(2), index: logIndex(9) },
  request: { id: utf8("request-id"), stamp: stamp(5) },
  isDelete: false,
  key: utf8("key"),
  payload: Uint8Array.of(0, 118),
  expiry: stamp(0),
};

/** One of each type at least, with every flag both ways over all of them. */
export const sampleMessages: readonly ReplicaMessage[] = [
  { type: "pre_vote", ...toTerm, lastIndex: far, lastTerm: term(2), configurationIndex: logIndex(0) },
  { type: "pre_vote_answer", ...toTerm, isGranted: false, isSticky: true, isRemoved: false },
  { type: "pre_vote_answer", ...toTerm, isGranted: true, isSticky: false, isRemoved: true },
  { type: "vote", ...toTerm, lastIndex: logIndex(1), lastTerm: term(1), isTransfer: true },
  { type: "vote_answer", ...toTerm, isGranted: true },
  {
    ...toTerm,
    type: "append",
    hasQuorum: true,
    previousIndex: logIndex(0),
    previousTerm: term(0),
    entries: sampleEntries,
    commit: far,
  },
  { ...toTerm, type: "append", hasQuorum: false, previousIndex: far, previousTerm: term(9), entries: [], commit: far },
  { type: "append_accepted", ...toTerm, hasSalvage: true, index: far, isClockRefused: true },
  { ...toTerm, type: "append_rejected", hasSalvage: false, rejected: far, hintIndex: logIndex(4), hintTerm: term(2) },
  { type: "heartbeat", ...toTerm, hasQuorum: true, commit: logIndex(12), round: 99 },
  { type: "heartbeat_answer", ...toTerm, hasSalvage: true, round: 99 },
  {
    ...toTerm,
    type: "snapshot",
    hasQuorum: true,
    index: far,
    snapshotTerm: term(2),
    stamp: late,
    configuration: configuration([1, 2, 3].map(replicaId), [replicaId(4)]),
  },
  { type: "transfer_now", ...toTerm, lastIndex: logIndex(8) },
  { type: "read", ...toTerm, context: 2 ** 40 },
  { type: "read_confirmed", ...toTerm, context: 1, commit: logIndex(2), last: logIndex(3), time: late },
  { type: "read_refused", ...toTerm, context: 1, why: "leader_changed" },
  {
    type: "salvage",
    ...address,
    writes: [write, { ...write, isDelete: true, request: undefined, payload: emptyBytes }],
    isLeaving: false,
  },
  { type: "salvage", ...address, writes: [], isLeaving: true },
  {
    type: "salvage_settled",
    ...address,
    fates: [{ version: write.version, mergedAt: { term: term(4), index: far } }],
    isReleased: true,
  },
  { type: "keep_log", ...address, index: far },
  { type: "log_full", ...address },
  { type: "tick_wanted", ...address, until: late },
  { type: "chunk_request", ...toTerm, index: far, after: emptyBytes },
  { type: "chunk", ...toTerm, index: far, after: utf8("a"), bytes: new Uint8Array(1000).fill(1), isLast: true },
  { type: "chunk_refused", ...toTerm, index: far },
];
