// Whatever arrives instead of a frame is refused as corruption: nothing else is thrown, and memory stays bounded.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { concatBytes, copyBytes, utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { Prng } from "../base/prng.ts";
import { messageBytesMax } from "../platform/network.ts";
import { Inbox, type Received } from "./inbox.ts";
import { decodeHello, encodeHello, encodeParts, kind, purpose, type Kind, type Part } from "./peer-protocol.ts";

const empty = { number: undefined, rest: undefined, remainingMilliseconds: undefined, trace: undefined };

function part(what: number, payload: Uint8Array, more: Partial<Part> = {}): Part {
  return { ...empty, kind: what as Kind, payload, ...more };
}

function take(inbox: Inbox, parts: readonly Part[]): Received[] {
  const received: Received[] = [];
  inbox.take(encodeParts(parts), (whole) => received.push(whole));
  return received;
}

const isCorruption = (error: unknown): boolean => error instanceof TrefoilError && error.code === "corruption";

const refusals: readonly (readonly [string, readonly Part[]])[] = [
  ["a kind that is not known", [part(99, utf8("a"))]],
  ["no kind", [part(0, utf8("a"))]],
  ["more of nothing", [part(kind.more, new Uint8Array(5000), { rest: 1 })]],
  [
    "a second beginning",
    [part(kind.message, new Uint8Array(5000), { rest: 9 }), part(kind.message, new Uint8Array(5000), { rest: 9 })],
  ],
  ["a message above the bound", [part(kind.message, new Uint8Array(5000), { rest: messageBytesMax })]],
  ["a beginning of nothing", [part(kind.message, new Uint8Array(0), { rest: 9 })]],
  ["a beginning too small", [part(kind.message, new Uint8Array(4095), { rest: 9 })]],
  ["a ping in parts", [part(kind.ping, new Uint8Array(5000), { rest: 9 })]],
  ["a trace without end", [part(kind.request, utf8("a"), { trace: "x".repeat(200) })]],
  [
    "more than was announced",
    [part(kind.message, new Uint8Array(5000), { rest: 9 }), part(kind.more, new Uint8Array(10))],
  ],
  [
    "less than was announced",
    [part(kind.message, new Uint8Array(5000), { rest: 9 }), part(kind.more, new Uint8Array(8))],
  ],
  [
    "a rest that grows",
    [part(kind.message, new Uint8Array(5000), { rest: 9000 }), part(kind.more, new Uint8Array(5000), { rest: 9000 })],
  ],
  [
    "many small pieces",
    [part(kind.message, new Uint8Array(5000), { rest: 9000 }), part(kind.more, new Uint8Array(100), { rest: 8900 })],
  ],
  [
    "a piece of nothing",
    [part(kind.message, new Uint8Array(5000), { rest: 9 }), part(kind.more, new Uint8Array(0), { rest: 9 })],
  ],
];

const hello = {
  versionLeast: 1,
  versionMost: 1,
  cluster: "c1",
  node: "n1",
  life: 2 ** 52,
  wanted: "n2",
  purpose: purpose.main,
};

describe("hostile frames", () => {
  for (const [name, parts] of refusals) {
    it(`are refused: ${name}`, () => assert.throws(() => take(new Inbox(), parts), isCorruption));
  }

  it("are refused: a hello in the middle", () => {
    assert.throws(() => new Inbox().take(encodeHello(hello), () => undefined), isCorruption);
  });

  it("are refused: a beginning that is no hello, or comes with something, or from nobody", () => {
    assert.deepEqual(decodeHello(encodeHello(hello)), hello);
    assert.throws(() => decodeHello(encodeParts([part(kind.ping, utf8(""))])), isCorruption);
    assert.throws(() => decodeHello(new Uint8Array(0)), isCorruption);
    const both = concatBytes([encodeHello(hello), encodeParts([part(kind.ping, utf8(""))])]);
    assert.throws(() => decodeHello(both), isCorruption);
    assert.throws(() => decodeHello(encodeHello({ ...hello, life: 0 })), isCorruption);
    assert.throws(() => decodeHello(encodeHello({ ...hello, life: 2 ** 60 })), isCorruption);
  });

  it("are refused: groups in groups, which a decoder follows down", () => {
    // Field 7 as a group that begins 200,000 times.
    assert.throws(() => new Inbox().take(new Uint8Array(200_000).fill(0x3b), () => undefined), isCorruption);
    assert.throws(() => decodeHello(new Uint8Array(200_000).fill(0x3b)), isCorruption);
  });

  it("break nothing, however they are damaged", () => {
    const seed = 20_261_121;
    const prng = new Prng(seed);
    const whole = [
      encodeHello(hello),
      encodeParts([part(kind.message, utf8("a message")), part(kind.ping, utf8(""), { number: 7 })]),
      encodeParts([part(kind.request, utf8("ask"), { number: 9, remainingMilliseconds: 50, trace: "00-ab-cd-01" })]),
      encodeParts([part(kind.message, new Uint8Array(4096), { rest: 5000 })]),
      encodeParts([part(kind.more, new Uint8Array(5000))]),
      encodeParts([part(kind.answer, new Uint8Array(300), { number: 2 ** 32 - 1 })]),
    ];
    const met = { taken: 0, refused: 0, hellos: 0 };
    let inbox = new Inbox();
    for (let round = 0; round < 20_000; round++) {
      const frame = damaged(prng, whole);
      try {
        inbox.take(frame, ({ payload, trace }) => {
          assert.ok(payload instanceof Uint8Array && payload.length <= messageBytesMax && trace.length <= 128);
        });
        met.taken++;
      } catch (error) {
        assert.ok(isCorruption(error), `seed ${seed}, round ${round}: ${String(error)}`);
        met.refused++;
        inbox = new Inbox();
      }
      try {
        decodeHello(frame);
        met.hellos++;
      } catch (error) {
        assert.ok(isCorruption(error), `seed ${seed}, round ${round}: ${String(error)}`);
      }
    }
    for (const [what, count] of Object.entries(met)) assert.ok(count > 300, `${what}: ${count}`);
  });
});

/** A whole frame with bits flipped, cut off, doubled or put together with another one, or mere noise. */
function damaged(prng: Prng, whole: readonly Uint8Array[]): Uint8Array {
  const any = (): Uint8Array => whole[prng.below(whole.length)] as Uint8Array;
  const frame = copyBytes(any());
  // Damage is wanted where the structure is, and that is mostly in the first bytes.
  const place = (): number => prng.below(prng.chance(3, 4) ? Math.min(frame.length, 24) : frame.length);
  switch (prng.below(6)) {
    case 0:
      return frame;
    case 1:
      for (let flips = prng.between(1, 4); flips > 0; flips--) {
        const at = place();
        frame[at] = (frame[at] as number) ^ (1 << prng.below(8));
      }
      return frame;
    case 2:
      return frame.subarray(0, place());
    case 3:
      return concatBytes([frame.subarray(0, place()), any()]);
    case 4:
      frame[place()] = 0xff;
      return concatBytes([frame, any()]);
    default: {
      const noise = new Uint8Array(prng.below(64));
      prng.fill(noise);
      return noise;
    }
  }
}
