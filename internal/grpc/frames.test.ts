import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { equalBytes, utf8, utf8Text } from "../base/bytes.ts";
import { Prng } from "../base/prng.ts";
import { frameBytesMax, messageBytesMax } from "../platform/network.ts";
import { Inbox, type Received } from "./inbox.ts";
import { defaultLimits } from "./limits.ts";
import { Outbox, type QueuedRequest } from "./outbox.ts";
import { encodeParts, kind } from "./peer-protocol.ts";

function requestOf(number: number, payload: Uint8Array, deadline = 1000): QueuedRequest {
  return { number, payload, trace: `trace ${number}`, deadline, isBegun: false };
}

/** The frames that the outbox makes of all that waits, through an inbox. */
function pass(outbox: Outbox, inbox: Inbox, now = 0): Received[] {
  const received: Received[] = [];
  while (!outbox.isEmpty) {
    const parts = outbox.pack(now);
    if (parts.length === 0) break;
    const frame = encodeParts(parts);
    assert.ok(frame.length <= frameBytesMax, `a frame of ${frame.length} bytes`);
    inbox.take(frame, (whole) => received.push(whole));
  }
  return received;
}

/** Ordinary lengths, with those around a frame's and a piece's among them. */
const length = fc.oneof(
  fc.nat(100),
  fc.integer({ min: 4000, max: 4200 }),
  fc.integer({ min: frameBytesMax - 200, max: frameBytesMax + 200 }),
  fc.nat(700_000),
);
const step = fc.record({ what: fc.constantFrom("urgent", "message", "request", "answer", "pack"), length });

describe("frames", () => {
  it("bring every message whole, each lane in its order, whatever stands between", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, seed) => {
        const prng = new Prng(seed);
        const outbox = new Outbox(defaultLimits);
        const inbox = new Inbox();
        const sent = { urgent: [] as Uint8Array[], ordinary: [] as Uint8Array[] };
        const received: Received[] = [];
        for (const { what, length: bytes } of steps) {
          const payload = new Uint8Array(what === "urgent" ? bytes % 16_000 : bytes);
          for (let at = 0; at < payload.length; at += 101) payload[at] = prng.below(256);
          const number = sent.ordinary.length;
          if (what === "pack") inbox.take(encodeParts(outbox.pack(0)), (whole) => received.push(whole));
          else if (what === "urgent") assert.ok(outbox.addUrgent(kind.message, payload, 77));
          else if (what === "message") assert.ok(outbox.addMessage(payload));
          else if (what === "request") assert.ok(outbox.addRequest(requestOf(number, payload)));
          else assert.ok(outbox.addAnswer(number, payload));
          if (what !== "pack") sent[what === "urgent" ? "urgent" : "ordinary"].push(payload);
        }
        received.push(...pass(outbox, inbox));
        assert.equal(outbox.bytes, 0);
        const urgent = received.filter(({ number }) => number === 77);
        const ordinary = received.filter(({ number }) => number !== 77);
        const isSame = (one: Received, at: number, of: Uint8Array[]): boolean =>
          equalBytes(one.payload, of[at] as Uint8Array);
        assert.equal(urgent.length, sent.urgent.length);
        assert.equal(ordinary.length, sent.ordinary.length);
        assert.ok(urgent.every((one, at) => isSame(one, at, sent.urgent)));
        assert.ok(ordinary.every((one, at) => isSame(one, at, sent.ordinary)));
      }),
      { numRuns: 150 },
    );
  });

  it("carry what is urgent first, between the parts of a large message too", () => {
    const outbox = new Outbox(defaultLimits);
    outbox.addMessage(new Uint8Array(600_000));
    const first = outbox.pack(0);
    assert.deepEqual(
      first.map((part) => part.kind),
      [kind.message],
    );
    outbox.addUrgent(kind.message, utf8("vote"));
    const second = outbox.pack(0);
    assert.deepEqual(
      second.map((part) => part.kind),
      [kind.message, kind.more],
    );
    assert.equal(utf8Text(second[0]?.payload as Uint8Array), "vote");
  });

  it("bring all that waits in one, as long as it fits", () => {
    const outbox = new Outbox(defaultLimits);
    for (let at = 0; at < 1000; at++) outbox.addMessage(new Uint8Array(150));
    assert.equal(outbox.pack(0).length, 1000);
    assert.ok(outbox.isEmpty);
  });

  it("begin no message in the last bytes of a frame", () => {
    const outbox = new Outbox(defaultLimits);
    outbox.addMessage(new Uint8Array(frameBytesMax - 3000));
    outbox.addMessage(new Uint8Array(10_000));
    assert.equal(outbox.pack(0).length, 1);
    assert.equal(outbox.pack(0)[0]?.payload?.length, 10_000);
  });

  it("tell a request's number, trace and the time that is left, in its first part", () => {
    const outbox = new Outbox(defaultLimits);
    const request = requestOf(4_000_000_000, new Uint8Array(300_000), 1000);
    outbox.addRequest(request);
    assert.equal(request.isBegun, false);
    const [received] = pass(outbox, new Inbox(), 250.5);
    assert.equal(request.isBegun, true);
    assert.equal(received?.kind, kind.request);
    assert.equal(received.number, 4_000_000_000);
    assert.equal(received.remainingMilliseconds, 750);
    assert.equal(received.trace, "trace 4000000000");
  });

  it("leave out a request whose time was up before it left, and finish one that has begun", () => {
    const outbox = new Outbox(defaultLimits);
    const begun = requestOf(1, new Uint8Array(300_000), 10);
    const late = requestOf(2, utf8("late"), 10);
    const early = requestOf(3, utf8("early"), 30);
    for (const request of [begun, late, early]) outbox.addRequest(request);
    const inbox = new Inbox();
    inbox.take(encodeParts(outbox.pack(5)), () => assert.fail("it is not whole yet"));
    const received = pass(outbox, inbox, 20);
    assert.deepEqual(
      received.map(({ number }) => number),
      [1, 3],
    );
    assert.deepEqual([begun.isBegun, late.isBegun, early.isBegun], [true, false, true]);
    assert.equal(outbox.bytes, 0);
  });

  it("have a bound for each kind apart", () => {
    const limits = { urgentBytesMax: 1000, messageBytesMax: 2000, requestBytesMax: 3000, answerBytesMax: 4000 };
    const outbox = new Outbox(limits);
    const taken = (add: () => boolean): number => {
      let count = 0;
      while (add()) count++;
      return count;
    };
    const payload = new Uint8Array(460);
    assert.equal(
      taken(() => outbox.addMessage(payload)),
      4,
    );
    assert.equal(
      taken(() => outbox.addUrgent(kind.message, payload)),
      2,
    );
    assert.equal(
      taken(() => outbox.addRequest(requestOf(1, payload))),
      6,
    );
    assert.equal(
      taken(() => outbox.addAnswer(1, payload)),
      8,
    );
    outbox.pack(0);
    assert.ok(outbox.isEmpty && outbox.bytes === 0);
    assert.equal(
      taken(() => outbox.addMessage(payload)),
      4,
      "what has left still counts",
    );
  });

  it("cannot carry what is larger than any message: that is a bug of the caller", () => {
    const outbox = new Outbox(defaultLimits);
    assert.throws(() => outbox.addMessage(new Uint8Array(messageBytesMax + 1)), /larger than any message/);
    assert.throws(() => outbox.addUrgent(kind.message, new Uint8Array(20_000)), /too large to be urgent/);
  });
});
