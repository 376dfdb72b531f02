// The bytes that a replica is called with are the caller's again when the call returns; and a key that no record can have is refused.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrefoilError } from "../../internal/base/errors.ts";
import { utf8 } from "../../internal/base/bytes.ts";
import { logIndex, term } from "../../internal/base/ids.ts";
import { accepted, asked, put, Rig, valueOf } from "./rig.ts";

describe("bytes that a caller uses again", () => {
  it("change nothing of a fast write, while it is not applied and after", async () => {
    for (const withRequest of [false, true]) {
      const rig = await Rig.open();
      const lead = await rig.elect(1);
      await rig.level();
      rig.passes = ({ type }) => type !== "append";
      const key = utf8("key");
      const body = Uint8Array.from([0, ...utf8("first")]);
      const plain = put("", "", { key, body });
      const command = withRequest ? asked(plain, "R", lead.state.last.stamp) : plain;
      const { outcome } = accepted(lead.propose("fast", () => command));
      key.set(utf8("yek"));
      body.set(utf8("other"), 1);
      assert.equal((await rig.answer(outcome)).kind, "done");
      assert.ok(lead.appliedIndex < lead.status.last, "it is not applied");
      const seen = async () => [await rig.node(1).read("key"), await rig.node(1).read("yek")];
      assert.deepEqual(await seen(), ["first", undefined]);
      rig.passes = () => true;
      await rig.level();
      assert.deepEqual(await seen(), ["first", undefined]);
      await rig.close();
    }
  });

  it("change nothing of what is read", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    const written = await rig.write(1, "strong", put("key", "value"));
    await rig.write(1, "strong", put("yek", "other"));
    const key = utf8("key");
    const changed = <T>(read: Promise<T>): Promise<T> => {
      key.set(utf8("yek"));
      return rig.answer(read).finally(() => key.set(utf8("key")));
    };
    const strong = await changed(lead.readStrong(key));
    assert.ok(strong.kind === "record");
    assert.equal(valueOf(strong.record), "value");
    const own = await changed(lead.readOwn(key));
    assert.ok(own !== undefined && own !== "behind");
    assert.equal(valueOf(own), "value");
    const session = await changed(lead.readInSession(key, written.version));
    assert.ok(session.kind === "read" && session.found !== undefined);
    assert.equal(valueOf(session.found), "value");
    await rig.close();
  });
});

describe("a key that no record can have", () => {
  it("is refused by every read, and the replica goes on", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("a", "1"));
    const isBadKey = (failure: unknown): boolean => failure instanceof TrefoilError && failure.code === "bad_key";
    const here = { term: term(1), index: logIndex(1) };
    for (const length of [0, 1025, 5000]) {
      const key = new Uint8Array(length);
      assert.throws(() => lead.readNow(key), isBadKey);
      await assert.rejects(rig.answer(lead.readFast(key)), isBadKey);
      await assert.rejects(rig.answer(lead.readStrong(key)), isBadKey);
      await assert.rejects(rig.answer(lead.readOwn(key)), isBadKey);
      await assert.rejects(rig.answer(lead.readInSession(key, here)), isBadKey);
    }
    lead.checkInvariants();
    assert.equal((await rig.write(1, "strong", put("a", "2"))).kind, "done");
    assert.equal((await rig.answer(lead.readStrong(utf8("a")))).kind, "record");
    await rig.close();
  });
});
