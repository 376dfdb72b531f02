import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../base/bytes.ts";
import { groupId, logIndex, term } from "../base/ids.ts";
import { isExpired, neverExpires, stamp, stampMax } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { Replica } from "../replica/replica.ts";
import { GroupService } from "./group-service.ts";
import type { GroupWrite } from "./group-service.ts";
import type { WriteMode } from "./requests.ts";
import type { Told } from "./told.ts";

const group = groupId(1);
const key = utf8("k");
const version = { term: term(5), index: logIndex(20) };

/** Of a replica, what a test says. */
const serviceOf = (replica: object): GroupService =>
  new GroupService(
    () => ({ isWhole: true, ...Object.defineProperties({}, Object.getOwnPropertyDescriptors(replica)) }) as Replica,
    () => undefined,
    () => stampMax,
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
    const at = (index: number, of = 5): Version => ({ term: term(of), index: logIndex(index) });
    const waitedFor: Version[] = [];
    /** At a replica that has applied 5.10 of 5.20 and leads, if nothing else is said. */
    const kindAt = async (told: Told, other: { role?: string; ofTerm?: number; applied?: Version } = {}) => {
      const { role = "leader", ofTerm = 5, applied = at(10) } = other;
      const service = serviceOf({
        stalenessMilliseconds: 0,
        applied,
        aheadOf: () => undefined,
        status: { role, term: term(ofTerm), persisted: 20, configuration: { voters: [], learners: [] } },
        readInSession: (_: Uint8Array, seen: Version) => {
          waitedFor.push(seen);
          return Promise.resolve({ kind: "behind" });
        },
        readFast: () => Promise.resolve(undefined),
      });
      return (await service.get(group, { key, mode: "fast", after: told })).kind;
    };
    const fast = { newest: at(20), committed: at(10) };
    for (const told of [fast, { newest: at(15), committed: undefined }, { newest: at(10), committed: at(10) }]) {
      assert.equal(await kindAt(told), "done");
    }
    assert.equal(await kindAt(fast, { role: "follower", applied: at(20) }), "done");
    assert.equal(
      await kindAt(fast, { ofTerm: 6, applied: at(2, 6) }),
      "done",
      "what is not here by then never will be",
    );
    assert.deepEqual(waitedFor, []);
    assert.equal(await kindAt({ newest: at(21), committed: at(10) }), "again");
    assert.equal(await kindAt(fast, { role: "follower" }), "again");
    assert.equal(await kindAt(fast, { ofTerm: 6 }), "again");
    assert.deepEqual(waitedFor.splice(0), [at(21), at(20), at(20)]);
    assert.equal(
      await kindAt({ newest: at(20), committed: at(20) }),
      "again",
      "its follower may have applied it before",
    );
    assert.equal(await kindAt({ newest: at(20), committed: at(11) }), "again");
    assert.deepEqual(waitedFor, [at(20), at(11)]);
  });

  it("rule 5: a strong page leaves out what has expired by the log, and waits for the log where the leader's clock is ahead of it", async () => {
    const dying = { key: utf8("b"), version, expiry: stamp(100), payload: undefined };
    const lasting = { key: utf8("a"), version, expiry: neverExpires, payload: undefined };
    const applied = { ...version, stamp: stamp(90) };
    const asked: string[] = [];
    const service = serviceOf({
      applied,
      readStrong: async (of: Uint8Array) => {
        asked.push(utf8Text(of));
        // The log has gone on to the leader's time when a read says that a record has expired.
        if (asked.length === 2) applied.stamp = stamp(110);
        await Promise.resolve();
        return { kind: "absent", time: stamp(105) };
      },
      scan: async ({ now }: { now: number }) => {
        await Promise.resolve();
        const records = [lasting, dying].filter(({ expiry }) => !isExpired(expiry, stamp(now)));
        return { records, hasMore: false, end: undefined };
      },
    });
    const list = {
      prefix: utf8(""),
      after: undefined,
      limit: 10,
      bytesMax: 1000,
      withValues: false,
      mode: "strong",
      told: undefined,
    } as const;
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
        return { kind: "read", found: undefined };
      },
      status: { role: "leader", configuration: { learners: [] }, id: 1 },
      applied: { term: term(5), index: logIndex(19) },
      aheadOf: () => undefined,
    });
    for (const after of [undefined, { newest: version, committed: undefined }]) {
      stalenessMilliseconds = 80;
      const answer = await service.get(group, { key, mode: "fast", after });
      assert.ok(answer.kind === "done");
      assert.equal(answer.value.stalenessMilliseconds, 80);
    }
  });
});
