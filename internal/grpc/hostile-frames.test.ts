// Whatever arrives instead of a frame is refused as corruption: nothing else is thrown, and memory stays bounded.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { anyPart, fuzzFrames, isCorruption, sampleHello } from "../../test/grpc/frame-fuzz.ts";
import { concatBytes, utf8 } from "../base/bytes.ts";
import { messageBytesMax } from "../platform/network.ts";
import { Inbox, type Received } from "./inbox.ts";
import { decodeHello, encodeHello, encodeParts, kind, type Part } from "./peer-protocol.ts";

function take(inbox: Inbox, parts: readonly Part[]): Received[] {
  const received: Received[] = [];
  inbox.take(encodeParts(parts), (whole) => received.push(whole));
  return received;
}

const refusals: readonly (readonly [string, readonly Part[]])[] = [
  ["a kind that is not known", [anyPart(99, utf8("a"))]],
  ["no kind", [anyPart(0, utf8("a"))]],
  ["more of nothing", [anyPart(kind.more, new Uint8Array(5000), { rest: 1 })]],
  [
    "a second beginning",
    [
      anyPart(kind.message, new Uint8Array(5000), { rest: 9 }),
      anyPart(kind.message, new Uint8Array(5000), { rest: 9 }),
    ],
  ],
  ["a message above the bound", [anyPart(kind.message, new Uint8Array(5000), { rest: messageBytesMax })]],
  ["a beginning of nothing", [anyPart(kind.message, new Uint8Array(0), { rest: 9 })]],
  ["a beginning too small", [anyPart(kind.message, new Uint8Array(4095), { rest: 9 })]],
  ["a ping in parts", [anyPart(kind.ping, new Uint8Array(5000), { rest: 9 })]],
  ["a trace without end", [anyPart(kind.request, utf8("a"), { trace: "x".repeat(200) })]],
  [
    "more than was announced",
    [anyPart(kind.message, new Uint8Array(5000), { rest: 9 }), anyPart(kind.more, new Uint8Array(10))],
  ],
  [
    "less than was announced",
    [anyPart(kind.message, new Uint8Array(5000), { rest: 9 }), anyPart(kind.more, new Uint8Array(8))],
  ],
  [
    "a rest that grows",
    [
      anyPart(kind.message, new Uint8Array(5000), { rest: 9000 }),
      anyPart(kind.more, new Uint8Array(5000), { rest: 9000 }),
    ],
  ],
  [
    "many small pieces",
    [
      anyPart(kind.message, new Uint8Array(5000), { rest: 9000 }),
      anyPart(kind.more, new Uint8Array(100), { rest: 8900 }),
    ],
  ],
  [
    "a piece of nothing",
    [anyPart(kind.message, new Uint8Array(5000), { rest: 9 }), anyPart(kind.more, new Uint8Array(0), { rest: 9 })],
  ],
];

describe("hostile frames", () => {
  for (const [name, parts] of refusals) {
    it(`are refused: ${name}`, () => assert.throws(() => take(new Inbox(), parts), isCorruption));
  }

  it("are refused: a hello in the middle", () => {
    assert.throws(() => new Inbox().take(encodeHello(sampleHello), () => undefined), isCorruption);
  });

  it("are refused: a beginning that is no sampleHello, or comes with something, or from nobody", () => {
    assert.deepEqual(decodeHello(encodeHello(sampleHello)), sampleHello);
    assert.throws(() => decodeHello(encodeParts([anyPart(kind.ping, utf8(""))])), isCorruption);
    assert.throws(() => decodeHello(new Uint8Array(0)), isCorruption);
    const both = concatBytes([encodeHello(sampleHello), encodeParts([anyPart(kind.ping, utf8(""))])]);
    assert.throws(() => decodeHello(both), isCorruption);
    assert.throws(() => decodeHello(encodeHello({ ...sampleHello, life: 0 })), isCorruption);
    assert.throws(() => decodeHello(encodeHello({ ...sampleHello, life: 2 ** 60 })), isCorruption);
  });

  it("are refused: groups in groups, which a decoder follows down", () => {
    // Field 7 as a group that begins 200,000 times.
    assert.throws(() => new Inbox().take(new Uint8Array(200_000).fill(0x3b), () => undefined), isCorruption);
    assert.throws(() => decodeHello(new Uint8Array(200_000).fill(0x3b)), isCorruption);
  });

  it("break nothing, however they are damaged, nor do messages", () => {
    for (const [what, count] of Object.entries(fuzzFrames(20_261_121, 20_000)))
      assert.ok(count > 300, `${what}: ${count}`);
  });
});
