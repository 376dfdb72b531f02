import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { utf8, utf8Text } from "../base/bytes.ts";
import { groupId, logIndex, nodeId, replicaId, term } from "../base/ids.ts";
import { neverExpires, stamp, stampMax } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import type { Replica } from "../replica/replica.ts";
import type { SessionRead } from "../replica/session-reads.ts";
import { GroupService } from "./group-service.ts";
import type { GotValue, GroupAnswer } from "./group-service.ts";
import { payloadOf } from "./stored.ts";

const group = groupId(1);
const key = utf8("key");
const version = { term: term(3), index: logIndex(7) };
const record = {
  ...version,
  stamp: stamp(1),
  expiry: neverExpires,
  payload: payloadOf("text/plain", utf8("value")),
} as unknown as EngineRecord;

/** What a replica says; the test changes it. */
let says: {
  session: SessionRead<EngineRecord | undefined>;
  staleness: number | undefined;
  refreshed: number;
  proposed: unknown;
  isWhole: boolean;
};
let service: GroupService;

beforeEach(() => {
  says = { session: { kind: "behind" }, staleness: 5, refreshed: 0, proposed: undefined, isWhole: true };
  const replica = {
    id: replicaId(2),
    status: { role: "follower", id: 2, configuration: { voters: [1, 2, 3], learners: [] } },
    followers: [],
    get stalenessMilliseconds() {
      return says.staleness;
    },
    applied: { term: term(3), index: logIndex(6) },
    aheadOf: () => undefined,
    get isWhole() {
      return says.isWhole;
    },
    refreshStaleness: () => void says.refreshed++,
    readStrong: () => Promise.resolve({ kind: "record", record }),
    scanFast: () => Promise.resolve({ records: [], hasMore: false, end: undefined }),
    appliedIndex: 7,
    readFast: () => Promise.resolve(record),
    readOwnNow: () => record,
    readInSession: () => Promise.resolve(says.session),
    propose: () => says.proposed,
  } as unknown as Replica;
  service = new GroupService(
    (id) => (id === group ? replica : undefined),
    () => nodeId("n1"),
    () => stampMax,
  );
});

const value = (answer: GroupAnswer<GotValue>): string => {
  assert.ok(answer.kind === "done", answer.kind);
  return answer.value.record === undefined ? "absent" : utf8Text(answer.value.record.value);
};

describe("a replica that serves clients", () => {
  it("rule 16: sends a read that it lacks something for to the leader, and waits for nothing that a log has lost", async () => {
    const asked = { key, mode: "fast", after: { newest: version, committed: undefined } } as const;
    assert.deepEqual(await service.get(group, asked), { kind: "again", why: "behind", leader: nodeId("n1") });
    says.session = { kind: "read", found: undefined };
    assert.equal(value(await service.get(group, asked)), "absent");
    says.session = { kind: "lost" };
    assert.equal(value(await service.get(group, asked)), "value", "or fast reads of this node never end again");
    assert.deepEqual(await service.get(groupId(9), asked), { kind: "again", why: "not_here", leader: undefined });
  });

  it("is asked for nothing that there is while it is being filled: whoever asks goes to another one", async () => {
    const page = {
      prefix: utf8(""),
      after: undefined,
      limit: 10,
      bytesMax: 1024,
      withValues: false,
      told: undefined,
    } as const;
    const kinds = async (): Promise<string[]> => {
      const answers = await Promise.all([
        ...(["fast", "strong"] as const).map((mode) => service.get(group, { key, mode, after: undefined })),
        service.list(group, { ...page, mode: "fast" }),
      ]);
      return answers.map((answer) => (answer.kind === "again" ? `${answer.why}, ${answer.leader} leads` : answer.kind));
    };
    assert.deepEqual(await kinds(), ["done", "done", "done"]);
    assert.equal(service.view(group)?.role, "follower");
    says.isWhole = false;
    assert.deepEqual(await kinds(), Array(3).fill("behind, n1 leads"));
    assert.equal(service.getNow(group, key, undefined), undefined);
    assert.equal(service.view(group)?.role, "learner");
  });

  it("asks the leader how far it is when somebody reads and the bound has grown", async () => {
    const asked = { key, mode: "fast", after: undefined } as const;
    for (const [staleness, refreshed] of [
      [5, 0],
      [100, 0],
      [101, 1],
      [undefined, 2],
    ] as const) {
      says.staleness = staleness;
      const answer = await service.get(group, asked);
      assert.ok(answer.kind === "done");
      assert.deepEqual([answer.value.stalenessMilliseconds, says.refreshed], [staleness, refreshed]);
    }
    assert.equal(service.getNow(group, key, undefined)?.stalenessMilliseconds, undefined);
    assert.equal(says.refreshed, 3);
  });

  it("tells of a write what is known of it: another try under its id may be told more, or it surely did nothing", async () => {
    const put = { kind: "delete", key, mode: "strong", condition: undefined, requestId: undefined } as const;
    const write = (): Promise<GroupAnswer<unknown>> =>
      service.write(group, { request: put, mode: "strong", stamp: stamp(1) });
    const told = async (proposed: unknown): Promise<string> => {
      says.proposed = proposed;
      const answer = await write();
      if (answer.kind === "failed") return `${answer.code} ${answer.outcome}${answer.mayRepeat ? ", may repeat" : ""}`;
      return answer.kind === "again" ? answer.why : "done";
    };
    const outcome = (kind: string): object => {
      return { kind: "proposed", outcome: Promise.resolve({ kind, version, why: "the replica stops" }) };
    };
    assert.equal(await told(outcome("unknown")), "outcome_unknown unknown, may repeat");
    const versionOf = async (said: object): Promise<unknown> => {
      says.proposed = { kind: "proposed", outcome: Promise.resolve({ version, ...said }) };
      const answer = await write();
      return answer.kind === "failed" ? answer.version : answer.kind;
    };
    assert.deepEqual(await versionOf({ kind: "unknown", why: "the replica stops" }), version);
    const present = { term: term(2), index: logIndex(5) };
    const condition = { kind: "refused", why: "condition", present };
    assert.deepEqual(await versionOf({ kind: "refused", answer: condition }), present);
    assert.equal(await versionOf({ kind: "refused", answer: { ...condition, present: undefined } }), undefined);
    assert.equal(await told(outcome("overridden")), "not_leader");
    const refusals: readonly (readonly [string, string])[] = [
      ["not_leader", "not_leader"],
      ["not_ready", "not_leader"],
      ["no_quorum", "no_quorum"],
      ["busy", "busy"],
      ["stopping", "stopping"],
      ["sealed", "moved"],
      ["request_too_old", "outcome_unknown unknown"],
      ["answers_full", "busy not_applied"],
      ["storage_full", "storage_full not_applied"],
      ["not_blind", "bad_consistency not_applied"],
    ];
    for (const [why, expected] of refusals) assert.equal(await told({ kind: "refused", why }), expected, why);
  });
});
