// Bugs to plant in the replica: persisting, applying, answering, salvage and snapshots. Those that chance meets too seldom are in
// scenario-mutants.ts.

import type { SimMutant } from "./sim-mutant.ts";

const applier = "internal/replica/applier.ts";
const install = "internal/replica/install-snapshot.ts";
const merge = "internal/replica/merge.ts";
const open = "internal/replica/open-replica.ts";
const persisting = "internal/replica/persisting.ts";
const sender = "internal/replica/snapshot-sender.ts";
const strongReads = "internal/replica/strong-reads.ts";
const answers = "internal/replica/write-answers.ts";
const rules = "internal/replica/write-rules.ts";

export const replicaMutants: readonly SimMutant[] = [
  {
    name: "fast write acknowledged before fsync",
    file: "internal/replica/replica-core.ts",
    find: "this.writes.persisted(this.raft.status.persisted, this.applier.appliedIndex);",
    replace: "this.writes.persisted(this.raft.status.last, this.applier.appliedIndex);",
  },
  {
    name: "messages that wait for the disk sent at once",
    file: persisting,
    find: "for (const message of ready.messages) this.send(message);",
    replace: "for (const message of [...ready.messages, ...ready.messagesAfterPersist]) this.send(message);",
  },
  {
    name: "apply twice after a restart",
    file: open,
    find: "const place = await openPlace(start, group);",
    replace:
      "const place = await openPlace(start, group);\n  if (place.state.last.index > group.base.index) { const { last } = place.state; place.state.last = { term: last.term, index: logIndex(last.index - 1), stamp: (last.stamp - 1) as typeof last.stamp }; }",
  },
  {
    name: "commit index of a restart taken from the end of the log",
    file: open,
    find: "const commit = logIndex(Math.max(hardState.commit, place.state.last.index));",
    replace: "const commit = group.lastIndex;",
  },
  {
    name: "snapshot without applied index",
    file: install,
    find: "appliedIndex: index, replaces",
    replace: "appliedIndex: logIndex(index - 1), replaces",
  },
  {
    name: "snapshot over newer state",
    file: "internal/raft/snapshots.ts",
    find: "if (state.isLeader || offer.index <= log.commit || log.agreesAt(offer.index, offer.term)) {",
    replace: "if (state.isLeader) {",
    trace: "snapshot-older-than-acknowledged",
  },
  {
    name: "dedup table not in the snapshot",
    file: sender,
    find: "writer.block(walk.key()).block(cellBytes.subarray(cellStart, cellEnd));",
    replace:
      "const key = walk.key();\n        if (key[0] === 0 && key[1] === 0x72) continue;\n        writer.block(key).block(cellBytes.subarray(cellStart, cellEnd));",
  },
  {
    name: "configuration not in the snapshot",
    file: sender,
    find: "writer.block(walk.key()).block(cellBytes.subarray(cellStart, cellEnd));",
    replace:
      "const key = walk.key();\n        if (key[0] === 0 && key[1] === 0x63) continue;\n        writer.block(key).block(cellBytes.subarray(cellStart, cellEnd));",
  },
  {
    name: "tombstones not in the snapshot",
    file: sender,
    find: "snapshot: held.at, tombstones: true",
    replace: "snapshot: held.at, tombstones: false",
  },
  {
    name: "snapshot not pinned: the present is sent under its mark",
    file: sender,
    find: "snapshot: held.at, tombstones: true",
    replace: "tombstones: true",
  },
  {
    name: "waiter keyed by index",
    file: answers,
    find: "const isOurs = state.holds(term, index);",
    replace: "const isOurs = true as boolean | undefined;",
    also: [{ file: answers, find: "this.waiters.discardedFrom(index);", replace: "" }],
  },
  {
    name: "overlay not dropped on step-down",
    file: "internal/replica/replica-core.ts",
    find: 'if (before.role === "leader" && this.known.role !== "leader") this.writes.overlay.clear();',
    replace: "",
  },
  {
    name: "salvage left out where a log is truncated",
    file: "internal/replica/keep-fast.ts",
    find: "for (const bytes of fast) group.keepSalvage(bytes, 0, bytes.length);",
    replace: "",
  },
  {
    name: "salvage after truncation instead of before",
    file: "internal/replica/keep-fast.ts",
    find: "for (const bytes of fast) group.keepSalvage(bytes, 0, bytes.length);",
    replace: 'Reflect.set(group, "later", fast);',
    also: [
      {
        file: persisting,
        find: "    this.stage(ready);\n    return true;",
        replace:
          '    this.stage(ready);\n    const later = (Reflect.get(this.group, "later") ?? []) as Uint8Array[];\n    Reflect.set(this.group, "later", []);\n    if (later.length === 0) return true;\n    void this.log.whenDurable(this.log.staged).then(() => {\n      for (const bytes of later) this.group.keepSalvage(bytes, 0, bytes.length);\n    });\n    return true;',
      },
    ],
  },
  {
    name: "salvage over a newer version",
    file: merge,
    find: 'if (order !== 0) return order > 0 ? "wins" : "loses";',
    replace: 'if (order !== 0) return "wins";',
  },
  {
    name: "salvage forgotten before its merge is applied",
    file: "internal/replica/salvager.ts",
    find: "    else this.parts.send(message);",
    replace: "    else this.parts.send(message);\n    for (const { version } of writes) this.drop(version);",
  },
  {
    name: "request id ignored at apply",
    file: applier,
    find: "const isRepeat = request !== undefined && state.answeredAt(request.id) !== undefined;",
    replace: "const isRepeat = request !== undefined && state.last.index < 0;",
  },
  {
    name: "client retry without request id",
    file: "test/sim/clients.ts",
    find: "return { request, operations: done.steps",
    replace: "return { request: void request, operations: done.steps",
  },
  {
    name: "strong read answered before the leader's last entry is applied",
    file: strongReads,
    find: "const ready = this.confirmed.filter((confirmed) => confirmed.last <= index);",
    replace: "const ready = this.confirmed;",
    also: [
      {
        file: strongReads,
        find: "this.confirmed = this.confirmed.filter((confirmed) => confirmed.last > index);",
        replace: "this.confirmed = [];",
      },
    ],
  },
  {
    name: "rule 1: stamps from the leader's clock alone",
    file: "internal/raft/state.ts",
    find: "return stamp(Math.max(this.wall, this.log.lastStamp + 1));",
    replace: "return this.wall;",
  },
  {
    name: "rule 2: watermark that ignores a pending salvage",
    file: "internal/raft/leading.ts",
    find: "if (follower.match === 0 || follower.hasSalvage) return undefined;",
    replace: "if (follower.match === 0) return undefined;",
    also: [{ file: "internal/raft/leading.ts", find: "if (state.hasSalvage) return undefined;", replace: "" }],
  },
  {
    name: "rule 2: watermark raised to the leader's own last entry",
    file: "internal/replica/leader-duties.ts",
    find: "const reached = matched === undefined ? undefined : this.samples.at(matched);",
    replace: "const reached = this.samples.at(last);",
  },
  {
    name: "rule 2: watermark falls",
    file: "internal/replica/leader-duties.ts",
    find: "const watermark = isRaised ? reached : state.watermark;",
    replace: "const watermark = isRaised ? reached : ((state.watermark - 1_000_000) as typeof state.watermark);",
    also: [
      {
        file: "internal/replica/leader-duties.ts",
        find: "if (hasNews && watermark > state.watermark) return this.tick(watermark, state);",
        replace: "if (hasNews) return this.tick(watermark, state);",
      },
      { file: applier, find: "if (raised <= state.watermark) return;", replace: "" },
    ],
  },
  {
    name: "rule 3: merge from before the watermark taken",
    file: applier,
    find: 'if (state.watermark > (known?.stamp ?? 0)) return "lost";',
    replace: "",
  },
  {
    name: "rule 3: merge stamped as its write was, for garbage collection",
    file: "internal/replica/apply-batch.ts",
    find: "const origin = { ...write.version, stamp: collected.stamp, expiry: write.expiry };",
    replace: "const origin = { ...write.version, stamp: 1 as typeof collected.stamp, expiry: write.expiry };",
  },
  {
    name: "rule 4: garbage collected whatever the watermark",
    file: "internal/replica/apply-batch.ts",
    find: "const horizon = state.slots.garbageHorizon(state.watermark);",
    replace: "const horizon = state.last.stamp;",
  },
  {
    name: "rule 5: expired at the read's time is absent before the log says so",
    file: strongReads,
    find: "this.settling.push({ ...read, time });",
    replace: 'read.resolve({ kind: "absent", time });',
  },
  {
    name: "rule 5: a strong read judges by the log's last stamp alone",
    file: strongReads,
    find: 'if (!isExpired(record.expiry, time)) return read.resolve({ kind: "record", record, time });',
    replace:
      'if (!isExpired(record.expiry, this.parts.lastStamp())) return read.resolve({ kind: "record", record, time });',
  },
  {
    name: "rule 7: fast write that reads",
    file: rules,
    find: 'if (!isBlind(command)) return "not_blind";',
    replace: "",
  },
  {
    name: "rule 8: no salvage where a snapshot is installed",
    file: install,
    find: "await keepFast(group, logIndex(raft.status.commit + 1));",
    replace: "",
  },
  {
    name: "rule 9: versions compared by index alone",
    file: "internal/replica/answer.ts",
    find: "left.term - right.term || left.index - right.index",
    replace: "left.index - right.index",
  },
  {
    name: "rule 11: no bound on the age of the backlog",
    file: rules,
    find: 'return backlogMilliseconds > options.fastBacklogMilliseconds ? "busy" : undefined;',
    replace: "return undefined;",
  },
  {
    name: "rule 12: fast writes before the leader has applied its no-op",
    file: rules,
    find: 'if (state.last.term !== status.term) return "not_ready";',
    replace: "",
  },
  {
    name: "rule 13: fate of a salvaged write not kept",
    file: applier,
    find: "batch.put(fateKey(write.version.term, write.version.index), origin, record);",
    replace: "",
  },
  {
    name: "rule 17: a merge does not record its origin's request",
    file: applier,
    find: 'if (write.request !== undefined && isNews && fate !== "lost") {',
    replace: "if (write.request !== undefined && isNews && fate.length === 0) {",
  },
  {
    name: "rule 17: a merge that comes behind something newer does not record its origin's request",
    file: applier,
    find: 'if (write.request !== undefined && isNews && fate !== "lost") {',
    replace: 'if (write.request !== undefined && isNews && fate === "salvaged") {',
  },
  {
    name: "rule 17: a full table of answers takes new requests",
    file: rules,
    find: 'if (state.answered.size + asked.requests >= options.answersMax) return "answers_full";',
    replace: "",
  },
  {
    name: "rule 17: answers forgotten early",
    file: "internal/replica/group-state.ts",
    find: "export const answerExpiry = (at: Stamp): Stamp => stamp(at + answerWindow + aheadMax);",
    replace:
      "export const answerExpiry = (at: Stamp): Stamp => stamp(at + Math.floor(answerWindow / 600) + 0 * aheadMax);",
  },
  {
    name: "rule 19: a node whose machine went down trusts its tail",
    file: "internal/log/run-mark.ts",
    find: "mayHaveLost: before !== undefined && (before.mayHaveLost || losesTail(before, begin)),",
    replace: "mayHaveLost: before !== undefined && before.mayHaveLost,",
  },
  {
    name: "rule 18: remembered answers not in the batch",
    file: "internal/replica/apply-batch.ts",
    find: "this.put(answerKey(id), { ...entry, expiry: answerExpiry(entry.stamp) }, record);",
    replace: "",
  },
  {
    name: "rule 18: watermark not in the batch",
    file: applier,
    find: "this.batch.put(systemKey(systemTag.watermark), state.last, state.encodeWatermark());",
    replace: "",
  },
  {
    name: "rule 18: term boundaries not in the batch",
    file: applier,
    find: "this.batch.put(boundaryKey(before.term), entry, encodeBoundary(before));",
    replace: "",
  },
  {
    name: "rule 23: a snapshot sent on after its data was replaced",
    file: "internal/replica/replica-core.ts",
    find: "    this.snapshots.drop();\n",
    replace: "",
    also: [{ file: sender, find: "assert(this.held.incarnation === incarnation,", replace: "assert(incarnation > 0," }],
    scenario: {
      file: "sender-installs",
      name: "rule 23: is gone with the data that it showed: nobody gets the rest of it",
    },
  },
  {
    name: "rule 10: strong writes taken without a quorum",
    file: "internal/raft/raft.ts",
    find: 'if (proposal.needsQuorum && !role.hasQuorum) return "no_quorum";',
    replace: "",
    trace: "rule-10-no-quorum",
  },
  {
    name: "expiry judged by the time of each apply",
    file: "internal/replica/decide.ts",
    find: "if (record === undefined || record.tombstone || isExpired(record.expiry, this.origin.stamp)) return undefined;",
    replace:
      "if (record === undefined || record.tombstone || isExpired(record.expiry, (this.origin.stamp + Math.floor(Math.random() * 1_000_000)) as typeof this.origin.stamp)) return undefined;",
  },
  {
    name: "rule 14: session token compared by index without term",
    file: "internal/replica/session-reads.ts",
    find: "if (version.index <= appliedIndex) return parts.isHere(version);",
    replace: "if (version.index <= appliedIndex) return true;",
    scenario: {
      file: "rules-writes",
      name: "rule 14: what another entry took the place of is not shown, however much is applied",
    },
  },
  {
    name: "rule 14: a leader shows what is in its log and not applied",
    file: "internal/replica/session-reads.ts",
    find: "return entries.areFast({ from: logIndex(appliedIndex + 1), to: version.index }, term);",
    replace: "return version.term === term;",
    scenario: {
      file: "rules-writes",
      name: "rule 14: a deposed leader shows no session what a later leader has committed of its log",
    },
  },
  {
    name: "a follower's entries lose their flags on the way into its log",
    file: persisting,
    find: "for (const entry of ready.entries) this.lastBatch = appendTo(group, entry);",
    replace:
      'const isMine = this.raft.status.role === "leader";\n    for (const entry of ready.entries) this.lastBatch = isMine ? appendTo(group, entry) : group.append({ ...entry, flags: 0 }, entry.payload);',
  },
  {
    name: "rule 18: remembered answers forgotten by a restart",
    file: "internal/replica/group-state.ts",
    find: "for (const { name, at } of answers) state.answered.set(name, at);",
    replace: "",
  },
  {
    name: "rule 15: proven before what the leader had is applied",
    file: "internal/replica/freshness.ts",
    find: "if (isBehind(parts.applied(), last)) return false;\n    const isHere = parts.holds(last) === true;",
    replace: "const isHere = true;",
  },
  {
    name: "rule 16: a read does not wait for what clients of its node were answered",
    file: "internal/replica/freshness.ts",
    find: "return this.whenApplied(this.answered);",
    replace: "return Promise.resolve(true);",
  },
];
