// What a node does for clients with a replica of its own: reads, writes, pages of keys, and what there is to say of it. Asked by the
// coordinator of this node, or of another one. An answer is one of three: done; "again", which says that surely nothing
// happened here, so that it may be tried elsewhere or later; or failed, for good.

import { unreachable } from "../base/assert.ts";
import type { ErrorCode, Outcome } from "../base/errors.ts";
import type { GroupId, NodeId, ReplicaId } from "../base/ids.ts";
import { millisecondsOfStamp, neverExpires } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { EngineRecord } from "../engine/reader.ts";
import type { Replica } from "../replica/replica.ts";
import type { ScannedRecord } from "../replica/scan.ts";
import type { WriteDone } from "../replica/write-waiters.ts";
import type { WriteRefusal } from "../replica/write-rules.ts";
import type { ReadMode, Role, StoredRecord, WriteMode, WriteRequest } from "./requests.ts";
import { fastPage, strongPage } from "./pages.ts";
import { again, beforeAnother } from "./refusals.ts";
import { failed, refusedAtApply, requestTooNew, requestTooOld, tooManyRemembered } from "./refused-writes.ts";
import { contentOf } from "./stored.ts";
import { missingFor } from "./told.ts";
import type { Told } from "./told.ts";
import { commandOf } from "./write-command.ts";

export type Again =
  /** No replica of the group is open here: the node is starting, or the asker's map is not this one's. */
  | "not_here"
  /** The key's slot is another group's, or is about to be. */
  | "moved"
  /** Another node may lead. */
  | "not_leader"
  /** Nobody is known to lead. */
  | "no_leader"
  /** The leader hears no majority. */
  | "no_quorum"
  /** This replica lacks what the caller's node has been answered, or is being filled. */
  | "behind"
  | "busy"
  | "stopping";

export type GroupAnswer<T> =
  | { readonly kind: "done"; readonly value: T }
  | { readonly kind: "again"; readonly why: Again; readonly leader: NodeId | undefined }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly outcome: Outcome;
      readonly detail: string;
      /** Of `precondition_failed`: the key's, if it is there. Of `outcome_unknown`: of the write's entry, if it has one. */
      readonly version: Version | undefined;
      /** Another try, under the same request id, may be told what became of this one. */
      readonly mayRepeat: boolean;
    };

export interface GroupGet {
  readonly key: Uint8Array;
  readonly mode: ReadMode;
  /** What the read shows at least; else it is "behind". */
  readonly after: Told | undefined;
}

export interface GotValue {
  readonly record: StoredRecord | undefined;
  readonly role: Role;
  readonly stalenessMilliseconds: number | undefined;
  /** The last entry that was applied when it was read. */
  readonly applied: Version;
  /** What was answered fast ahead of that, and it may show something of. */
  readonly ahead: Version | undefined;
}

export interface GroupWrite {
  readonly request: WriteRequest;
  readonly mode: WriteMode;
  /** Of the request's first try. */
  readonly stamp: Stamp;
}

export interface WroteValue {
  readonly version: Version;
  readonly acks: number;
  readonly replicas: number;
  readonly durability: "synced" | "buffered";
  /** Undefined also of an answer that is remembered: when its value ends a read tells. */
  readonly expiresAt: number | undefined;
  readonly role: Role;
}

export interface GroupList {
  readonly prefix: Uint8Array;
  /** The last key of the page before. */
  readonly after: Uint8Array | undefined;
  readonly limit: number;
  /** Of keys and values, at least one record whatever its size. */
  readonly bytesMax: number;
  readonly withValues: boolean;
  readonly mode: ReadMode;
  /** What the page shows at least; else it is "behind". */
  readonly told: Told | undefined;
}

export interface ListedPage {
  readonly records: readonly ScannedRecord[];
  /** More may follow behind the last one. */
  readonly hasMore: boolean;
  /** What the page has looked at, when it is not whole: the next one goes on behind it. */
  readonly end: Uint8Array | undefined;
  /** As of a value. */
  readonly applied: Version;
  readonly ahead: Version | undefined;
}

export interface SeenReplica {
  readonly replica: ReplicaId;
  readonly role: Role;
  readonly term: number;
  readonly leader: NodeId | undefined;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** Of its log. */
  readonly lastIndex: number;
  /** Of a leader: whether it hears a majority. */
  readonly hasQuorum: boolean;
  /** Of a leader: up to where each follower has said that it has the log. */
  readonly matched: readonly Matched[];
  /** For so long it does not stand for election: the newest stamp of its log lies that much further ahead of its node's clock than is believed. */
  readonly disbeliefMilliseconds: number;
}

export interface Matched {
  readonly replica: ReplicaId;
  readonly index: number;
}

/** A staleness bound above this is asked for anew when somebody reads. */
const refreshMilliseconds = 100;

export class GroupService {
  private readonly replicaOf: (group: GroupId) => Replica | undefined;
  private readonly nodeOf: (group: GroupId, replica: Replica) => NodeId | undefined;
  private readonly newestBelieved: () => Stamp;

  /** `leaderNode`: where the leader lives that a replica knows. `newestBelieved`: no replica of this node stands with a newer stamp. */
  constructor(
    replicaOf: (group: GroupId) => Replica | undefined,
    leaderNode: (group: GroupId, replica: Replica) => NodeId | undefined,
    newestBelieved: () => Stamp,
  ) {
    this.replicaOf = replicaOf;
    this.nodeOf = leaderNode;
    this.newestBelieved = newestBelieved;
  }

  /** Whether a replica of the group is open here. */
  has(group: GroupId): boolean {
    return this.replicaOf(group) !== undefined;
  }

  async get(group: GroupId, asked: GroupGet): Promise<GroupAnswer<GotValue>> {
    const replica = this.replicaOf(group);
    if (replica === undefined) return again("not_here");
    // What it lacks may be anything.
    if (!replica.isWhole) return this.againAt(group, replica, "behind");
    if (asked.mode === "strong") return this.getStrong(group, replica, asked.key);
    // As of now: what is learnt of the leader while the record is read says nothing of the record.
    const as = { role: roleOf(replica), stalenessMilliseconds: stalenessOf(replica) };
    const missing = asked.after && missingFor(replica, asked.after);
    if (missing === undefined) return gotValue(replica, await replica.readFast(asked.key), as);
    const read = await replica.readInSession(asked.key, missing);
    if (read.kind === "behind") return this.againAt(group, replica, "behind");
    // What was answered fast and lost is nowhere to be waited for.
    const found = read.kind === "read" ? read.found : await replica.readFast(asked.key);
    return gotValue(replica, found, as);
  }

  async write(group: GroupId, { request, mode, stamp: firstTry }: GroupWrite): Promise<GroupAnswer<WroteValue>> {
    const replica = this.replicaOf(group);
    if (replica === undefined) return again("not_here");
    let expiry = neverExpires;
    const mayBeRemembered = request.requestId !== undefined;
    const before = mayBeRemembered ? replica.status.last : 0;
    const proposed = replica.propose(mode, (now) => {
      const command = commandOf(request, now, firstTry);
      expiry = command.operations[0]?.expiresAt ?? neverExpires;
      return command;
    });
    if (proposed.kind === "refused") return this.refusedWrite(group, replica, proposed);
    const outcome = await proposed.outcome;
    const { term, index } = outcome.version;
    switch (outcome.kind) {
      case "done":
        // Nobody has noted when a remembered one ends: an earlier try counted from another moment.
        if (mayBeRemembered && !(proposed.version.index > before && isOwn(outcome))) expiry = neverExpires;
        return { kind: "done", value: wroteValue(replica, outcome, expiry) };
      case "refused":
        return refusedAtApply(outcome);
      case "overridden":
        // Another leader's entry is committed in its place. A fast one may be salvaged.
        if (mode === "strong") return this.againAt(group, replica, "not_leader");
        return unknown(
          outcome.version,
          `whether fast write ${group}.${term}.${index} takes effect is not known: its leader lost its office, and whoever ` +
            `still has it may bring it back; ${beforeAnother}`,
        );
      case "unknown":
        return unknown(
          outcome.version,
          `whether write ${group}.${term}.${index} takes effect is not known: ${outcome.why}; ${beforeAnother}`,
        );
      default:
        return unreachable(outcome, "an outcome of a write");
    }
  }

  async list(group: GroupId, asked: GroupList): Promise<GroupAnswer<ListedPage>> {
    const replica = this.replicaOf(group);
    if (replica === undefined) return again("not_here");
    if (!replica.isWhole) return this.againAt(group, replica, "behind");
    const read = await (asked.mode === "fast" ? fastPage(replica, asked) : strongPage(replica, asked));
    if (read.kind === "page") return { kind: "done", value: read.page };
    return this.againAt(group, replica, read.kind === "behind" ? "behind" : againOfRead(read.why));
  }

  view(group: GroupId): SeenReplica | undefined {
    const replica = this.replicaOf(group);
    if (replica === undefined) return undefined;
    const { term, commit, last, lastStamp, hasQuorum } = replica.status;
    const disbelief = millisecondsOfStamp(lastStamp) - millisecondsOfStamp(this.newestBelieved());
    return {
      replica: replica.id,
      role: roleOf(replica),
      term,
      leader: this.nodeOf(group, replica),
      commitIndex: commit,
      appliedIndex: replica.appliedIndex,
      lastIndex: last,
      hasQuorum,
      matched: replica.followers.map(({ id, match }) => ({ replica: id, index: match })),
      disbeliefMilliseconds: Math.max(0, disbelief),
    };
  }

  /** Where the leader lives, as far as a replica here knows. */
  leaderOf(group: GroupId): NodeId | undefined {
    const replica = this.replicaOf(group);
    return replica && this.nodeOf(group, replica);
  }

  /** Of `after`, or something newer. Undefined: it takes waiting. */
  getNow(group: GroupId, key: Uint8Array, after: Told | undefined): GotValue | undefined {
    const replica = this.replicaOf(group);
    if (replica === undefined || !replica.isWhole) return undefined;
    // It may have been opened since the client was told.
    if (after !== undefined) replica.noteAnswered(after.newest);
    const record = replica.readOwnNow(key);
    if (record === undefined) return undefined;
    const as = { role: roleOf(replica), stalenessMilliseconds: stalenessOf(replica) };
    return valueGot(replica, record === "absent" ? undefined : record, as);
  }

  private async getStrong(group: GroupId, replica: Replica, key: Uint8Array): Promise<GroupAnswer<GotValue>> {
    const role = roleOf(replica);
    const read = await replica.readStrong(key);
    if (read.kind === "refused") return this.againAt(group, replica, againOfRead(read.why));
    const found = read.kind === "record" ? read.record : undefined;
    return gotValue(replica, found, { role, stalenessMilliseconds: 0 });
  }

  private refusedWrite(
    group: GroupId,
    replica: Replica,
    refused: { readonly why: WriteRefusal; readonly detail?: string },
  ): GroupAnswer<never> {
    switch (refused.why) {
      case "not_leader":
      case "transferring":
      case "not_ready":
      case "leaving":
        return this.againAt(group, replica, replica.status.role === "leader" ? "no_leader" : "not_leader");
      case "no_quorum":
        return this.againAt(group, replica, "no_quorum");
      case "busy":
        return this.againAt(group, replica, "busy");
      case "sealed":
      case "not_sealed":
      case "term_too_low":
        return again("moved");
      case "stopping":
        return again("stopping");
      case "answers_full":
        return tooManyRemembered();
      case "request_too_old":
        return requestTooOld();
      case "storage_full":
        return failed("storage_full", "not_applied", "the leader's disk is full; delete something, or make room");
      case "not_blind":
        return failed(
          "bad_consistency",
          "not_applied",
          "whatever reads before it writes is strong; leave consistency=fast out",
        );
      case "too_large":
        return failed("too_large", "not_applied", refused.detail ?? "the request is larger than one entry may be");
      case "request_too_new":
        return requestTooNew();
      case "bad_command":
        return failed("bad_request", "not_applied", refused.detail ?? "the request is none that a group can take");
      default:
        return unreachable(refused.why, "a refusal of a write");
    }
  }

  private againAt(group: GroupId, replica: Replica, why: Again): GroupAnswer<never> {
    return { kind: "again", why, leader: this.nodeOf(group, replica) };
  }
}

function unknown({ term, index }: Version, detail: string): GroupAnswer<never> {
  const version = { term, index };
  return { kind: "failed", code: "outcome_unknown", outcome: "unknown", detail, version, mayRepeat: true };
}

function roleOf(replica: Replica): Role {
  if (replica.status.role === "leader") return "leader";
  return replica.isWhole ? "follower" : "learner";
}

/** Whoever reads keeps the bound small: the leader is asked when it has grown. */
function stalenessOf(replica: Replica): number | undefined {
  const { stalenessMilliseconds } = replica;
  const isOld = stalenessMilliseconds === undefined || stalenessMilliseconds > refreshMilliseconds;
  if (isOld) replica.refreshStaleness();
  return stalenessMilliseconds;
}

function storedOf({ term, index, expiry, payload }: EngineRecord): StoredRecord {
  const { contentType, value } = contentOf(payload);
  const expiresAt = expiry === neverExpires ? undefined : millisecondsOfStamp(expiry);
  return { value, contentType, version: { term, index }, expiresAt };
}

/** As what it was served: as of when it began. */
type As = Pick<GotValue, "role" | "stalenessMilliseconds">;

function gotValue(replica: Replica, found: EngineRecord | undefined, as: As): GroupAnswer<GotValue> {
  return { kind: "done", value: valueGot(replica, found, as) };
}

function valueGot(replica: Replica, found: EngineRecord | undefined, { role, stalenessMilliseconds }: As): GotValue {
  const { applied } = replica;
  const record = found && storedOf(found);
  return { record, role, stalenessMilliseconds, applied, ahead: replica.aheadOf(found) };
}

/** The entry was not found to be a request that was made before. */
function isOwn({ answer, version: { term, index } }: WriteDone): boolean {
  return answer.version.term === term && answer.version.index === index;
}

function wroteValue(replica: Replica, outcome: WriteDone, expiry: Stamp): WroteValue {
  const { answer, acks, durability } = outcome;
  const { term, index } = answer.version;
  return {
    version: { term, index },
    acks,
    replicas: replica.status.configuration.voters.length,
    durability,
    expiresAt: expiry === neverExpires ? undefined : millisecondsOfStamp(expiry),
    role: "leader",
  };
}

function againOfRead(why: string): Again {
  switch (why) {
    case "no_quorum":
      return "no_quorum";
    case "busy":
      return "busy";
    case "stopping":
      return "stopping";
    case "no_leader":
    case "not_ready":
      return "no_leader";
    default:
      return "not_leader";
  }
}
