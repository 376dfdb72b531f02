// Bugs in the replica that chance meets too seldom, or whose harm the simulator's clients do not see: each is shown by the test of
// test/replica that is named.

import type { SimMutant } from "./sim-mutant.ts";

const applier = "internal/replica/applier.ts";
const freshness = "internal/replica/freshness.ts";
const byItsRounds = "rule 15: a leader goes by the rounds that a quorum has answered, asked or not";
const install = "internal/replica/install-snapshot.ts";
const open = "internal/replica/open-replica.ts";
const sender = "internal/replica/snapshot-sender.ts";
const strongReads = "internal/replica/strong-reads.ts";
const traffic = "internal/replica/snapshot-traffic.ts";
const answers = "internal/replica/write-answers.ts";
const rules = "internal/replica/write-rules.ts";

const largeAnswers = "rule 17: answered by large values have no effect while too much of such answers is remembered";
const noRoom =
  "and strong ones and reads are refused beyond a bound while the engine has no room, and taken again when it has";
const clocks = "rule 17: take effect once whatever the coordinator's clock, and are refused when it is far ahead";
const strangers = "brings no write of a term that is not over, and none from strangers that could have an effect";

export const scenarioMutants: readonly SimMutant[] = [
  {
    name: "stream of a snapshot resumed with another snapshot's chunk",
    file: "internal/replica/snapshot-receiver.ts",
    find: "message.from === incoming.source && message.index === incoming.offer.index && message.term === incoming.offer.term;",
    replace: "message.from === incoming.source;",
    also: [
      {
        file: sender,
        find: "if (held === undefined || held.mark.index !== index || held.mark.term !== term) {",
        replace: "if (held === undefined) {",
      },
    ],
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: is not sent in the place of another one: who asks for that is refused",
    },
  },
  {
    name: "chunk of a snapshot taken whatever it follows",
    file: "internal/replica/snapshot-receiver.ts",
    find: "if (compareBytes(message.after, incoming.after) !== 0) return;",
    replace: "",
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: takes no chunk that does not follow what is there",
    },
  },
  {
    name: "rule 2: watermark waits for nobody between a change's append and its apply",
    file: "internal/replica/leader-duties.ts",
    find: "if (this.raft.status.configurationIndex > state.last.index) return undefined;",
    replace: "",
    scenario: {
      file: "departing",
      name: "rule 2: holds the watermark back before it is known that it left, too",
    },
  },
  {
    name: "rule 2: voters that left are waited for by the leader's clock",
    file: "internal/replica/leader-duties.ts",
    find: "if (this.awaitedUntil(state) > state.last.stamp) return undefined;",
    replace: "if (this.awaitedUntil(state) > this.raft.hybridNow()) return undefined;",
    scenario: {
      file: "departing",
      name: "rule 2: is waited for whatever the leader's clock jumps to",
    },
  },
  {
    name: "rule 25: a seal that is repeated opens its slots to salvaged writes",
    file: "internal/replica/moving-slots.ts",
    find: "const isClosed = closes || before?.isClosed === true;",
    replace: "const isClosed = closes;",
    scenario: {
      file: "mended",
      name: "rule 25: a seal that is repeated after it was complete takes no salvaged writes again",
    },
  },
  {
    name: "rule 5: after the tick a strong read does not look again",
    file: strongReads,
    find: "for (const read of done) this.serve(read, read.time);",
    replace: 'for (const { resolve, time } of done) resolve({ kind: "absent", time });',
    scenario: {
      file: "rules-time",
      name: "rule 5: a strong read that waits for a tick sees what the next leader, whose clock is behind, found alive meanwhile",
    },
  },
  {
    name: "rule 11: the backlog's age counts from when a write finds it",
    file: "internal/replica/leader-duties.ts",
    find: "this.backlogMilliseconds(since.monotonic);",
    replace: "",
    scenario: {
      file: "rules-writes",
      name: "rule 11: are refused for the age of one that had to wait for room in the log, too",
    },
  },
  {
    name: "no bound on what waits for the engine",
    file: rules,
    find: 'return isBehind ? "busy" : undefined;',
    replace: "return isBehind && options.overlayBytesMax < 0 ? 'busy' : undefined;",
    scenario: { file: "rules-writes", name: noRoom },
  },
  {
    name: "no bound on strong reads that wait",
    file: strongReads,
    find: 'if (this.count >= this.parts.readsMax) return Promise.resolve({ kind: "refused", why: "busy" });',
    replace: "",
    scenario: { file: "rules-writes", name: noRoom },
  },
  {
    name: "staleness from wall clock",
    file: freshness,
    find: "return millisecondsBetween(this.proven, momentOf(this.parts.clock));",
    replace: "return Math.max(0, momentOf(this.parts.clock).wall - this.proven.wall);",
    scenario: {
      file: "rules-writes",
      name: "rule 15: counts from before the question was asked, by the greater of both clocks",
    },
  },
  {
    name: "rule 15: staleness from the monotonic clock alone, which stands still while a machine is suspended",
    file: freshness,
    find: "return millisecondsBetween(this.proven, momentOf(this.parts.clock));",
    replace: "return momentOf(this.parts.clock).monotonic - this.proven.monotonic;",
    scenario: {
      file: "rules-writes",
      name: "rule 15: counts from before the question was asked, by the greater of both clocks",
    },
  },
  {
    name: "rule 15: staleness counted from the answer",
    file: freshness,
    find: "const { at, term: of } = question;",
    replace: "const { at, term: of } = { ...question, at: momentOf(this.parts.clock) };",
    scenario: {
      file: "rules-writes",
      name: "rule 15: counts from before the question was asked, by the greater of both clocks",
    },
  },
  {
    name: "rule 2: the last old fate says that nothing is kept while more is being discarded",
    file: "internal/replica/wiring.ts",
    find: "changed: () => core.enter(),",
    replace: "changed: () => core.raft.setSalvage(group.salvageBytes > 0),",
    scenario: {
      file: "discarded",
      name: "rule 2: what is being discarded counts as kept though the fate of all that was kept before is learnt in the same turn",
    },
  },
  {
    name: "rule 2: nothing is said to be kept while the log has no room for what is being discarded",
    file: "internal/replica/replica-core.ts",
    find: "if (!this.isHeld) this.raft.setSalvage(this.salvager.isPending);",
    replace: "this.raft.setSalvage(this.salvager.isPending);",
    scenario: {
      file: "discarded",
      name: "rule 2: what is being discarded counts as kept while the log has no room to keep it",
    },
  },
  {
    name: "rule 5: a strong read judges by entries that are not in the engine yet",
    file: "internal/replica/reads.ts",
    find: "lastStamp: () => parts.applied().stamp,",
    replace: "lastStamp: () => parts.place().state.last.stamp,",
    scenario: {
      file: "read-waits",
      name: "rule 5: judges what a strong read found by the entries that are seen, not by those that it has only looked at",
    },
  },
  {
    name: "rule 5: a strong page judges by entries that are not in the engine yet",
    file: "internal/node/pages.ts",
    find: "now: replica.applied.stamp });",
    replace: "now: replica.state.last.stamp });",
    scenario: {
      file: "read-waits",
      name: "rule 5: leaves nothing out of a strong page that was alive all the time",
    },
  },
  {
    name: "rule 15: a leader is as fresh as its last round, answered or not",
    file: "internal/replica/leader-duties.ts",
    find: "if (leader !== undefined) freshness.confirmed(leader);",
    replace: "freshness.confirmed(leader ?? { at: since, last: { term: status.term, index: status.last } });",
    scenario: { file: "rules-writes", name: byItsRounds },
  },
  {
    name: "rule 15: a leader's round proves what was committed when it was sent",
    file: "internal/replica/leader-duties.ts",
    find: "this.quorumAge.began(round, since, { term: status.term, index: status.last });",
    replace: "this.quorumAge.began(round, since, { term: status.term, index: status.commit });",
    scenario: { file: "rules-writes", name: byItsRounds },
  },
  {
    name: "rule 15: proven by an index, whatever became of its term",
    file: freshness,
    find: "const isHere = parts.holds(last) === true;",
    replace: "const isHere = true;",
    scenario: {
      file: "rules-writes",
      name: "rule 15: is not proven by the index alone: another log that has come so far has not all that its leader had answered",
    },
  },
  {
    name: "rule 5: a record that had to be loaded is judged by what is seen when it comes",
    file: strongReads,
    find: "this.judge(read, record, { time, seen }), read.reject",
    replace: "this.judge(read, record, { time, seen: this.parts.lastStamp() }), read.reject",
    scenario: {
      file: "read-waits",
      name: "rule 5: judges what a strong read found by the entries that were seen then, not by those that came while it was loaded",
    },
  },
  {
    name: "rule 8: a snapshot takes the place of what is being discarded before that is kept",
    file: "internal/replica/replica-core.ts",
    find: "for (this.pump(); !this.isClosed && (this.isApplying || this.isHeld); this.pump()) await this.whenFree();",
    replace: "while (!this.isClosed && (this.isApplying || this.isHeld)) await this.whenFree();",
    scenario: {
      file: "rules-snapshots",
      name: "rule 8: does not swallow what is discarded in the turn in which the last of it comes",
    },
  },
  {
    name: "rule 23: the log behind a snapshot goes when nobody holds it any more, needed or not",
    file: "internal/replica/replica-core.ts",
    find: "this.duties.dispensable(this.pins.atMost(index ?? this.applier.appliedIndex))",
    replace: "this.duties.dispensable(this.pins.atMost(this.applier.appliedIndex))",
    also: [
      {
        file: traffic,
        find: "if (match >= commitBefore) this.sender.finished(id);\n      else this.sender.catchesUp(id, match);",
        replace: "this.sender.finished(id);",
      },
    ],
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: is enough, though writes go on and who took it in takes his time",
    },
  },
  {
    name: "rule 23: a snapshot is held no longer than until it is taken in, however full the log",
    file: traffic,
    find: "if (match >= commitBefore) this.sender.finished(id);\n      else this.sender.catchesUp(id, match);",
    replace: "this.sender.finished(id);",
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: is enough, though writes go on, who took it in takes his time, and the log is beyond its bound",
    },
  },
  {
    name: "rule 23: a voter that keeps its log for a snapshot lets go of it meanwhile",
    file: "internal/replica/replica-core.ts",
    find: "this.pins.atMost(index ?? this.applier.appliedIndex)",
    replace: "index ?? this.applier.appliedIndex",
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: is enough though its sender goes as it arrives, and the others hear no more of it",
    },
  },
  {
    name: "rule 23: a snapshot of which a chunk is being read is held though nobody wants it",
    file: sender,
    find: " || held.for.size === 0) && held.reading === 0",
    replace: ") && held.reading === 0",
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: is let go of when who got it has caught up, though a chunk is being read",
    },
  },
  {
    name: "rule 17: a request is told the answer of an earlier one under its id",
    file: "internal/replica/wiring.ts",
    find: "return found?.stamp === at ? found : undefined;",
    replace: "return at === undefined ? undefined : found;",
    scenario: {
      file: "request-again",
      name: "rule 17: a request is not told the answer of an earlier one under its id, which is forgotten and still lies in the engine",
    },
  },
  {
    name: "a strong read that meets damage takes those of its turn with it",
    file: strongReads,
    find: "return read.reject(reason);",
    replace: "throw reason;",
    scenario: {
      file: "read-waits",
      name: "fails the strong read that met it, and answers the others of its turn",
    },
  },
  {
    name: "rule 17: a request waits for all that is to be applied before it is told its answer",
    file: "internal/replica/wiring.ts",
    find: "let record = await find();",
    replace: "let record = last.index < 0 ? await find() : undefined;",
    scenario: {
      file: "request-again",
      name: "rule 17: a request is told its answer, which is in the engine, though that has no room for what came behind it",
    },
  },
  {
    name: "rule 13: what was rejected before a restart is forgotten by the next one that is",
    file: "internal/replica/group-state.ts",
    find: "if (rejections !== undefined) state.rejections.load(",
    replace: "if (rejections !== undefined && state.last.index < 0) state.rejections.load(",
    scenario: {
      file: "rejections",
      name: "rule 13: leave a bit each, over restarts and terms, and every receipt tells of its own entry",
    },
  },
  {
    name: "rule 17: large answers remembered without a bound",
    file: "internal/replica/group-state.ts",
    find: "return bytes <= smallAnswerBytes || this.largeAnswersBytes + bytes <= largeAnswersBytesMax;",
    replace: "return bytes <= smallAnswerBytes || bytes <= largeAnswersBytesMax;",
    scenario: { file: "large-commands", name: largeAnswers },
  },
  {
    name: "expired records count for what a command may hold, where they are not collected",
    file: "internal/replica/records-read.ts",
    find: "if (record.tombstone || isExpired(record.expiry, this.at)) return undefined;",
    replace: "if (record.tombstone) return undefined;",
    scenario: {
      file: "large-commands",
      name: "comes to the same wherever those that have expired were collected",
    },
  },
  {
    name: "rule 17: a request beyond the table's horizon takes effect",
    file: "internal/replica/command-outcome.ts",
    find: "const wrong = request === undefined ? undefined : refusalOfRequest(request, entry.stamp);",
    replace: "const wrong = request === undefined ? undefined : refusalOfRequest(request, request.stamp);",
    scenario: {
      file: "rules-writes",
      name: "rule 17: so old that their answer may be forgotten have no effect, and are not acknowledged",
    },
  },
  {
    name: "rule 17: an answer is forgotten while a try stamped by a clock ahead may be applied",
    file: "internal/replica/group-state.ts",
    find: "stamp(at + answerWindow + aheadMax);",
    replace: "stamp(at + answerWindow + 0 * aheadMax);",
    scenario: { file: "rules-writes", name: clocks },
  },
  {
    name: "rule 17: a request from the far future taken",
    file: "internal/replica/group-state.ts",
    find: 'return first > at + aheadMax ? "request_too_new" : undefined;',
    replace: 'return first > at + 1e6 * aheadMax ? "request_too_new" : undefined;',
    scenario: { file: "rules-writes", name: clocks },
  },
  {
    name: "a command that no replica could apply gets into the log",
    file: "internal/replica/proposing.ts",
    find: "const fault = commandFault(command);",
    replace: "const fault = undefined as ReturnType<typeof commandFault>;",
    also: [
      {
        file: "internal/replica/command.ts",
        find: 'if (fault !== undefined) assert(false, "a command that no replica could apply", { detail: fault.detail });',
        replace: 'assert((fault as unknown) !== 1, "a number");',
      },
    ],
    scenario: {
      file: "refused-input",
      name: "is refused before it is in the log, and the group goes on, over restarts too",
    },
  },
  {
    name: "salvage of a term that is not over merged",
    file: "internal/replica/wiring.ts",
    find: "if (version.term >= raft.status.term) return false;",
    replace: "if (version.term < raft.status.term - 1e9) return false;",
    scenario: { file: "refused-input", name: strangers },
  },
  {
    name: "salvage of strangers merged",
    file: "internal/replica/wiring.ts",
    find: "return from === parts.id || isKnown(from) ||",
    replace: "return from === parts.id || isKnown(from) || from > 0 ||",
    scenario: { file: "refused-input", name: strangers },
  },
  {
    name: "a fate believed whose entry is not in the log",
    file: "internal/replica/salvager.ts",
    find: "if (mergedAt.index <= applied && this.parts.isPossible(mergedAt)) this.drop(version);",
    replace: "if (mergedAt.index <= applied) this.drop(version);",
    scenario: {
      file: "refused-input",
      name: "makes no replica forget what it keeps: the entry that decided has to be in its log",
    },
  },
  {
    name: "rule 17: the key of an uncommitted fast write is not known",
    file: "internal/replica/proposing.ts",
    find: "if (name !== undefined && known === undefined) this.asked.set(name, { consistency, accepted });",
    replace: "",
    scenario: {
      file: "rules-writes",
      name: "rule 17: of fast writes count as known before they are committed, and when they are applied",
    },
  },
  {
    name: "rule 18: a replica applies when its own engine has room, and skips otherwise",
    file: "internal/replica/apply-batch.ts",
    find: "if (!this.parts.engine.canWrite(this.batch)) return false;",
    replace:
      "if (!this.parts.engine.canWrite(this.batch)) {\n      this.batch.clear();\n      this.applied = markOf(this.parts.state);\n      return true;\n    }",
    scenario: {
      file: "rules-state",
      name: "rule 18: is never skipped for want of room: apply waits, and goes on",
    },
  },
  {
    name: "rule 23: log not kept while a snapshot travels",
    file: sender,
    find: "const pin = parts.group.pin(mark.index);",
    replace: "const pin = { release: (): void => undefined };",
    scenario: {
      file: "rules-snapshots",
      name: "rule 23: slows the writers when the bound on kept log is reached, but for deletes, and is not given up",
    },
  },
  {
    name: "rule 23: log marked before the switch",
    file: install,
    find: "  try {\n    await engine.ingest(",
    replace: "  await log.whenDurable(group.installSnapshot(index, term));\n  try {\n    await engine.ingest(",
    scenario: {
      file: "power-cut",
      name: "that takes in a snapshot over fast writes of its own loses nothing said or answered",
    },
  },
  {
    name: "rule 23: third step not finished from the second",
    file: open,
    find: "await start.log.whenDurable(group.installSnapshot(snapshot.index, snapshot.term));",
    replace: "",
    scenario: {
      file: "power-cut",
      name: "that takes in a snapshot over fast writes of its own loses nothing said or answered",
    },
  },
  {
    name: "rule 12: fast writes taken by who is no voter of the newest configuration",
    file: rules,
    find: 'if (!status.configuration.voters.includes(status.id)) return "leaving";',
    replace: "",
    scenario: {
      file: "rules-writes",
      name: "rule 12: are not taken by a leader that is about to be removed, which hands over first",
    },
  },
  {
    name: "rule 25: writes taken behind a seal that is appended and not applied",
    file: "internal/replica/proposing.ts",
    find: "return this.sealing.has(slot) || state.slots.isSealed(slot);",
    replace: "return state.slots.isSealed(slot);",
    scenario: {
      file: "rules-state",
      name: "rule 25: take no writes from the append of their seal on, before it is committed",
    },
  },
  {
    name: "seal left out: writes of a sealed slot are applied",
    file: applier,
    find: "return slots.sealedCount > 0 && slots.isSealed(slotOf(bytes, start, end));",
    replace: "return false;",
    scenario: {
      file: "rules-state",
      name: "rule 25: take no write that comes behind their seal in the log, though its leader had not applied the seal",
    },
  },
  {
    name: "rule 10: the time without a quorum judged only when ticks have shown that there is none",
    file: rules,
    find: "if (circumstances.isTooLateForFast)",
    replace: "if (!status.hasQuorum && circumstances.isTooLateForFast)",
    scenario: {
      file: "woken",
      name: "rule 10: takes no fast write before anything told it how long it was away",
    },
  },
  {
    name: "rule 10: an answer that waited for a leader that slept counts as of now",
    file: "internal/replica/quorum-age.ts",
    find: "if (newest !== undefined) this.knownAt = newest.at;",
    replace: "if (newest !== undefined) this.knownAt = { monotonic: Infinity, wall: Infinity };",
    scenario: {
      file: "woken",
      name: "rule 10: takes none after its first ticks, or after answers that waited for it",
    },
  },
  {
    name: "rule 10: a fast write answered however long the leader slept over it",
    file: answers,
    find: "if (!isTooLate || index <= applied) ",
    replace: "",
    also: [
      {
        file: answers,
        find: '      else resolve({ kind: "unknown", version: { term, index }, why: "its leader was without a quorum for too long" });\n',
        replace: "",
      },
    ],
    scenario: { file: "woken", name: "rule 10: does not answer as done what it took before" },
  },
  {
    name: "rule 17: a request answered fast again while its merge is on its way",
    file: "internal/replica/proposing.ts",
    find: "if (write.request !== undefined) setLast(this.merging, keyName(write.request.id), result.index);",
    replace: "",
    scenario: {
      file: "request-again",
      name: "rule 17: a request is not answered fast while the merge of its lost first try is in the log and not applied",
    },
  },
  {
    name: "strong writes that were lost wait until the log is as long again",
    file: "internal/replica/write-waiters.ts",
    find: "waiter.index <= index || waiter.term < term;",
    replace: "waiter.index <= index;",
    scenario: {
      file: "answers",
      name: "are told to be overridden once an entry of a later term is applied: none of theirs comes behind it",
    },
  },
  {
    name: "a strong read goes by bytes that its caller may use again",
    file: strongReads,
    find: "const key = given.slice();",
    replace: "const key = given;",
    scenario: { file: "callers-bytes", name: "change nothing of what is read" },
  },
  {
    name: "a fast write is shown out of bytes that its caller may use again",
    file: answers,
    find: "const payload = entry.subarray(entry.length - operation.body.length);",
    replace: "const payload = entry.length < 0 ? entry : operation.body;",
    scenario: { file: "callers-bytes", name: "change nothing of a fast write, while it is not applied and after" },
  },
  {
    name: "a strong read of a key that no record can have is tried",
    file: strongReads,
    find: "if (bad !== undefined) return Promise.reject(bad);",
    replace: "if (bad === undefined && given.length < 0) return Promise.reject(bad);",
    scenario: { file: "callers-bytes", name: "is refused by every read, and the replica goes on" },
  },
  {
    name: "rule 16: a read waits for an index, whatever became of its term",
    file: freshness,
    find: "compareVersions(applied, version) < 0;",
    replace: "compareVersions(applied, { ...version, term: applied.term }) < 0;",
    scenario: {
      file: "rules-writes",
      name: "rule 16: a fast read does not wait for what a log lost, however long that log was",
    },
  },
  {
    name: "an expiry at zero is taken, and never comes",
    file: "internal/replica/command-check.ts",
    find: "expiresAt === neverExpires || ",
    replace: "",
    scenario: {
      file: "refused-input",
      name: "is refused before it is in the log, and the group goes on, over restarts too",
    },
  },
  {
    name: "a replica that is closed hands its leadership over",
    file: "internal/replica/replica.ts",
    find: 'if (this.core.isClosed) return "stopping";',
    replace: "",
    scenario: { file: "closing", name: "refuses whatever it is asked to do" },
  },
];
