import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../base/bytes.ts";
import { groupId, logIndex, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
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

  it("shows what its leader has answered fast, though a write before it has no majority; elsewhere it is waited for", async () => {
    const behind = {
      stalenessMilliseconds: 0,
      readInSession: () => Promise.resolve({ kind: "behind" }),
      readFast: () => Promise.resolve(undefined),
    };
    const statusOf = (role: string, ofTerm: number, persisted: number) => {
      return { status: { role, term: term(ofTerm), persisted, configuration: { voters: [], learners: [] } } };
    };
    const asked = { key, mode: "fast", after: version } as const;
    const kindAt = async (role: string, ofTerm: number, persisted: number): Promise<string> =>
      (await serviceOf({ ...behind, ...statusOf(role, ofTerm, persisted) }).get(group, asked)).kind;
    assert.equal(await kindAt("leader", 5, 20), "done");
    assert.equal(await kindAt("leader", 5, 19), "again");
    assert.equal(await kindAt("leader", 6, 20), "again");
    assert.equal(await kindAt("follower", 5, 20), "again");
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
    });
    for (const after of [undefined, version]) {
      stalenessMilliseconds = 80;
      const answer = await service.get(group, { key, mode: "fast", after });
      assert.ok(answer.kind === "done");
      assert.equal(answer.value.stalenessMilliseconds, 80);
    }
  });
});
