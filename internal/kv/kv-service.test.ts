// What the service answers, message by message, as a client of gRPC sees it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import { hex, utf8 } from "../base/bytes.ts";
import type { ObservedOutcome, Operation } from "../node/observer.ts";
import { KvRig } from "../../test/kv/rig.ts";
import type { Fields } from "../../test/kv/client.ts";

const key = Buffer.from("user/42");
const served = { consistency: "CONSISTENCY_STRONG", node: "n1", group: 3, role: "ROLE_LEADER" };
const fast = { ...served, consistency: "CONSISTENCY_FAST" };

describe("KV over gRPC", () => {
  let rig: KvRig;
  const observed: [Operation, string | undefined, ObservedOutcome][] = [];
  before(async () => {
    rig = await KvRig.open({}, { answered: (operation, mode, outcome) => observed.push([operation, mode, outcome]) });
  });
  after(async () => {
    await rig.close();
    assert.deepEqual(rig.unexpected, []);
  });

  it("puts, and tells what it got", async () => {
    const answer = await rig.call("Put", { key, value: utf8("Saurab"), content_type: "text/plain", ttl_ms: 60_000 });
    const index = (answer["version"] as Fields)["index"];
    assert.deepEqual(answer, {
      version: { term: 7, index },
      receipt: { group: 3, term: 7, index },
      acks: 2,
      replicas: 3,
      durability: "DURABILITY_SYNCED",
      expires_at_ms: rig.coordinator.wallMilliseconds + 60_000,
      served,
    });
  });

  it("gets the bytes, content type, version, expiry and staleness", async () => {
    await rig.call("Put", { key, value: Buffer.of(0, 255), content_type: "a/b", ttl_ms: 5 });
    const got = await rig.call("Get", { key });
    const { version, ...rest } = got;
    assert.equal((version as Fields)["term"], 7);
    assert.deepEqual(rest, {
      found: true,
      value: Buffer.of(0, 255),
      content_type: "a/b",
      expires_at_ms: rig.coordinator.wallMilliseconds + 5,
      staleness_ms: 13,
      served: fast,
    });
    const strong = await rig.call("Get", { key, consistency: "CONSISTENCY_STRONG", without_value: true });
    const { value, ...withoutValue } = rest;
    assert.deepEqual(value, Buffer.of(0, 255));
    assert.deepEqual(strong, { ...withoutValue, version, staleness_ms: 0, served });
    rig.coordinator.staleness = undefined;
    assert.equal("staleness_ms" in (await rig.call("Get", { key })), false);
    rig.coordinator.staleness = 12.5;
  });

  it("says of what is not there that it is not, and who said so", async () => {
    const answer = await rig.call("Get", { key: utf8("nothing") });
    assert.deepEqual(answer, { found: false, staleness_ms: 13, served: fast });
  });

  it("keeps any bytes in keys and values, and knows an empty value from none", async () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await rig.call("Put", { key: all, value: all });
    assert.equal(hex((await rig.call("Get", { key: all }))["value"] as Uint8Array), hex(all));
    await rig.call("Put", { key: Buffer.of(0) });
    const empty = await rig.call("Get", { key: Buffer.of(0) });
    assert.deepEqual([empty["found"], empty["value"]], [true, Buffer.alloc(0)]);
    assert.equal((await rig.call("Get", { key: utf8("__proto__") }))["found"], false);
  });

  it("deletes, whether there is something or not", async () => {
    await rig.call("Put", { key });
    for (let time = 0; time < 2; time++) {
      const answer = await rig.call("Delete", { key, consistency: "CONSISTENCY_FAST" });
      assert.deepEqual([answer["acks"], answer["served"]], [1, fast]);
      assert.equal((await rig.call("Get", { key }))["found"], false);
    }
  });

  it("carries out conditions, strongly", async () => {
    const created = await rig.call("Put", { key: utf8("lock"), value: utf8("me"), if_absent: true });
    const lock = { key: utf8("lock") };
    assert.equal((await rig.refused("Put", { ...lock, if_absent: true })).code, status.FAILED_PRECONDITION);
    const swapped = await rig.call("Put", { ...lock, value: utf8("you"), if_version: created["version"] });
    assert.equal(
      (await rig.refused("Put", { ...lock, if_version: created["version"] })).code,
      status.FAILED_PRECONDITION,
    );
    assert.equal(
      (await rig.refused("Delete", { ...lock, if_version: created["version"] })).code,
      status.FAILED_PRECONDITION,
    );
    await rig.call("Put", { ...lock, value: utf8("she"), if_present: true });
    assert.equal((await rig.refused("Put", { key: utf8("other"), if_present: true })).code, status.FAILED_PRECONDITION);
    rig.coordinator.defaultWrite = "fast";
    const deleted = await rig.call("Delete", { ...lock, if_present: true });
    rig.coordinator.defaultWrite = "strong";
    assert.deepEqual(deleted["served"], served);
    assert.notDeepEqual(swapped["version"], created["version"]);
  });

  it("keeps a ttl that is to be kept, and drops one that is not named", async () => {
    const put = { key: utf8("ttl") };
    const { expires_at_ms: expiry } = await rig.call("Put", { ...put, ttl_ms: 1000 });
    assert.equal((await rig.call("Put", { ...put, keep_ttl: true }))["expires_at_ms"], expiry);
    assert.equal((await rig.call("Put", put))["expires_at_ms"], undefined);
  });

  it("tells a retry under the same key what it told the first try", async () => {
    const { writes } = rig.coordinator;
    const put = { key, value: utf8("once"), idempotency_key: Buffer.of(0, 1, 2) };
    assert.deepEqual(await rig.call("Put", put), await rig.call("Put", put));
    assert.equal(rig.coordinator.writes, writes + 1);
  });

  it("gives the coordinator a deadline, the trace, and a signal for when the client goes", async () => {
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const deadlines: number[] = [];
    for (const options of [{}, { deadline: Date.now() + 30_000 }, { deadline: Date.now() + 3_600_000 }]) {
      const from = rig.coordinator.now();
      await rig.call("Put", { key }, { options, metadata: { traceparent: trace } });
      const { lastCaller } = rig.coordinator;
      assert.equal(lastCaller?.trace, trace);
      // A busy machine may take a while in between.
      deadlines.push(5 * Math.round(((lastCaller?.deadline ?? 0) - from) / 5000));
    }
    assert.deepEqual(deadlines, [5, 30, 60]);
    await rig.call("Put", { key }, { metadata: { traceparent: "nonsense" } });
    assert.equal(rig.coordinator.lastCaller?.trace, "");
  });

  it("tells metrics of each request what came of it", async () => {
    observed.length = 0;
    await rig.call("Put", { key });
    await rig.call("Get", { key: utf8("nothing") });
    await rig.refused("Put", { key, if_absent: true });
    await rig.refused("Put", { key: utf8("x"), consistency: 9 });
    await rig.call("Delete", { key, consistency: "CONSISTENCY_FAST" });
    assert.deepEqual(observed, [
      ["put", "strong", "ok"],
      ["get", "fast", "not_found"],
      ["put", undefined, "refused"],
      ["put", undefined, "refused"],
      ["delete", "fast", "ok"],
    ]);
  });
});
