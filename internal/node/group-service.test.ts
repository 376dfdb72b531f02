import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../base/bytes.ts";
import { groupId, logIndex, term } from "../base/ids.ts";
import { isExpired, neverExpires, stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { Replica } from "../replica/replica.ts";
import { GroupService } from "./group-service.ts";
import type { GroupWrite } from "./group-service.ts";
import type { WriteMode } from "./requests.ts";

const group = groupId(1);
const key = utf8("k");
const version = { term: term(5), index: logIndex(20) };

/** Of a replica, what a test says. */
const serviceOf = (replica: object): GroupService =>
  new GroupService(
    () => replica as Replica,
    () => undefined,
  );

function put(mode: WriteMode): GroupWrite {
  const request = { kind: "put", key, mode, condition: undefined, requestId: undefined } as const;
  const value = { value: utf8("v"), contentType: "", ttl: { kind: "none" } } as const;
  return { request: { ...request, ...value }, mode, stamp: stamp(1) };
}

describe("what a node does with a replica of its own", () => {
  const deposed = serviceOf({
    propose: () => ({ kind: "accepted", version, outcome: Promise.resolve({ kind: "overridden", version }) }),
  });

  it("tells a fast write that lost its place in the log as unknown, for it may be salvaged", async () => {
    const answer = await deposed.write(group, put("fast"));
    assert.ok(answer.kind === "failed");
    assert.equal(answer.outcome, "unknown");
    assert.ok(answer.mayRepeat);
  });

  it("tells a strong one as to be tried again, for nobody brings it back", async () => {
    assert.deepEqual(await deposed.write(group, put("strong")), {
      kind: "again",
      why: "not_leader",
      leader: undefined,
    });
  });

  it("rule 16: shows what its leader has answered fast, though a write before it has no majority; whatever else was told is waited for", async () => {
    const asked = { key, mode: "fast", after: version } as const;
    interface Status {
      readonly role: string;
      readonly ofTerm: number;
      readonly persisted: number;
      readonly commit: number;
      readonly applied: number;
    }
    const waitedFor: Version[] = [];
    const kindAt = async (other: Partial<Status>): Promise<string> => {
      const { role, ofTerm, persisted, commit, applied } = { ...leading, ...other };
      const service = serviceOf({
        stalenessMilliseconds: 0,
        applied: { term: term(ofTerm), index: logIndex(applied) },
        seenBy: () => version,
        status: { role, term: term(ofTerm), persisted, commit, configuration: { voters: [], learners: [] } },
        readInSession: (_: Uint8Array, seen: Version) => {
          waitedFor.push(seen);
          return Promise.resolve({ kind: "behind" });
        },
        readFast: () => Promise.resolve(undefined),
      });
      return (await service.get(group, asked)).kind;
    };
    const leading: Status = { role: "leader", ofTerm: 5, persisted: 20, commit: 10, applied: 10 };
    assert.equal(await kindAt({}), "done");
    assert.equal(await kindAt({ commit: 20, applied: 20 }), "done");
    assert.deepEqual(waitedFor, []);
    assert.equal(await kindAt({ persisted: 19 }), "again");
    assert.equal(await kindAt({ role: "follower" }), "again");
    assert.equal(
      await kindAt({ commit: 20 }),
      "again",
      "a follower may have told of it before its leader has applied it",
    );
    assert.deepEqual(waitedFor.splice(0), [version, version, version]);
    assert.equal(await kindAt({ applied: 9 }), "again");
    assert.deepEqual(waitedFor, [{ term: term(5), index: logIndex(10) }]);
    assert.equal(await kindAt({ ofTerm: 4 }), "again");
    assert.equal(await kindAt({ ofTerm: 6, applied: 2 }), "done", "what is not here by then never will be");
  });

  it("rule 5: a strong page leaves out what has expired by the log, and waits for the log where the leader's clock is ahead of it", async () => {
    const dying = { key: utf8("b"), version, expiry: stamp(100), payload: undefined };
    const lasting = { key: utf8("a"), version, expiry: neverExpires, payload: undefined };
    const last = { stamp: stamp(90) };
    const asked: string[] = [];
    const service = serviceOf({
      state: { last },
      readStrong: async (of: Uint8Array) => {
        asked.push(utf8Text(of));
        // The log has gone on to the leader's time when a read says that a record has expired.
        if (asked.length === 2) last.stamp = stamp(110);
        await Promise.resolve();
        return { kind: "absent", time: stamp(105) };
      },
      scan: async ({ now }: { now: number }) => {
        await Promise.resolve();
        const records = [lasting, dying].filter(({ expiry }) => !isExpired(expiry, stamp(now)));
        return { records, hasMore: false, end: undefined };
      },
    });
    const list = { prefix: utf8(""), after: undefined, limit: 10, withValues: false, mode: "strong" } as const;
    const answer = await service.list(group, list);
    assert.deepEqual(asked, ["\0", "b"]);
    assert.ok(answer.kind === "done");
    assert.deepEqual(answer.value.records, [lasting]);
  });

  it("tells how stale a read is as of when it began: what is learnt meanwhile is not in it", async () => {
    let stalenessMilliseconds = 80;
    const service = serviceOf({
      get stalenessMilliseconds() {
        return stalenessMilliseconds;
      },
      readFast: async () => {
        stalenessMilliseconds = 5;
        await Promise.resolve();
        return undefined;
      },
      readInSession: async () => {
        stalenessMilliseconds = 5;
        await Promise.resolve();
        return { kind: "read", record: undefined };
      },
      status: { role: "leader", configuration: { learners: [] }, id: 1 },
      applied: { term: term(5), index: logIndex(19) },
      seenBy: () => version,
    });
    for (const after of [undefined, version]) {
      stalenessMilliseconds = 80;
      const answer = await service.get(group, { key, mode: "fast", after });
      assert.ok(answer.kind === "done");
      assert.equal(answer.value.stalenessMilliseconds, 80);
    }
  });
});
