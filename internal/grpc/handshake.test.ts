import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hostOf } from "../../test/contract/recording-host.ts";
import { judgeHello, judgeWelcome } from "./handshake.ts";
import { purpose, type Hello } from "./peer-protocol.ts";

const host = hostOf("n1");
const welcome: Hello = {
  versionLeast: 1,
  versionMost: 1,
  cluster: "c1",
  node: "n2",
  life: 4,
  wanted: "",
  purpose: purpose.main,
};

function whyNot(hello: Partial<Hello>, wanted = "n2"): string | undefined {
  const judged = judgeWelcome({ ...welcome, ...hello }, wanted, host);
  return judged.kind === "refused" ? judged.why : undefined;
}

// What the side that was dialled refuses is seen in streams.test.ts and in the contract; the side that dials looks, too.
describe("the handshake's answer", () => {
  it("is taken from whom was dialled, or from anybody when no name was known", () => {
    const identity = { node: "n2", cluster: "c1", life: 4, disk: "" };
    assert.deepEqual(judgeWelcome(welcome, "n2", host), {
      kind: "welcome",
      identity,
      version: 1,
      purpose: purpose.main,
    });
    assert.equal(whyNot({ node: "n5" }, ""), undefined);
  });

  it("is refused from anybody else", () => {
    assert.match(whyNot({ node: "n3" }) ?? "", /node "n3" answers where n2 was dialled/);
    assert.match(whyNot({ cluster: "c2" }) ?? "", /belongs to cluster c1, node n2 to "c2"/);
    assert.match(whyNot({ node: "n1" }, "n1") ?? "", /two nodes are called n1/);
  });

  it("is refused when it chose a version that was not offered, or none", () => {
    for (const versions of [
      { versionLeast: 2, versionMost: 2 },
      { versionLeast: 0, versionMost: 0 },
      { versionLeast: 0, versionMost: 1 },
    ]) {
      assert.match(whyNot(versions) ?? "", /version \d of the peer protocol, which was not offered/);
    }
  });

  it("repeats foreign text short and printable", () => {
    const judged = judgeHello({ ...welcome, wanted: `n1\n\u001b[31m${"x".repeat(500)}` }, host);
    assert.ok(judged.kind === "refused" && judged.why.length < 200 && /^[\x20-\x7e…]+$/.test(judged.why), judged.kind);
  });
});
