// Frames, hellos and messages as a hostile or broken sender might send them: whole ones with bits flipped, cut off, doubled, put
// together, and mere noise. Whatever comes is taken or refused as corruption; anything else that is thrown is a fault.

import assert from "node:assert/strict";
import { concatBytes, copyBytes, utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { Prng } from "../../internal/base/prng.ts";
import { Inbox } from "../../internal/grpc/inbox.ts";
import {
  decodeHello,
  encodeHello,
  encodeParts,
  kind,
  purpose,
  type Kind,
  type Part,
} from "../../internal/grpc/peer-protocol.ts";
import { replicaMessages } from "../../internal/grpc/replica-messages.ts";
import { messageBytesMax } from "../../internal/platform/network.ts";
import { messageGroup, sampleMessages } from "./sample-messages.ts";

export interface FrameFuzzCounts {
  framesTaken: number;
  framesRefused: number;
  hellosTaken: number;
  hellosRefused: number;
  messagesTaken: number;
  messagesRefused: number;
}

export const sampleHello = {
  versionLeast: 1,
  versionMost: 1,
  cluster: "c1",
  node: "n1",
  disk: "d1",
  life: 2 ** 52,
  wanted: "n2",
  purpose: purpose.main,
};

/** A part as a sender with no manners would fill it in. */
export function anyPart(what: number, payload: Uint8Array, more: Partial<Part> = {}): Part {
  const empty = { number: undefined, rest: undefined, remainingMilliseconds: undefined, trace: undefined };
  return { ...empty, kind: what as Kind, payload, ...more };
}

export function isCorruption(error: unknown): boolean {
  return error instanceof TrefoilError && error.code === "corruption";
}

export function fuzzFrames(seed: number, inputs: number): FrameFuzzCounts {
  const prng = new Prng(seed);
  const frames = sampleFrames();
  const messages = sampleMessages.map((message) => replicaMessages.encode(messageGroup, message));
  const counts: FrameFuzzCounts = {
    framesTaken: 0,
    framesRefused: 0,
    hellosTaken: 0,
    hellosRefused: 0,
    messagesTaken: 0,
    messagesRefused: 0,
  };
  let inbox = new Inbox();
  for (let input = 0; input < inputs; input++) {
    const isTaken = (take: () => void): boolean => {
      try {
        take();
        return true;
      } catch (error) {
        assert.ok(isCorruption(error), `seed ${seed}, input ${input}: ${String(error)}`);
        return false;
      }
    };
    const frame = damaged(prng, frames);
    const takeFrame = (): void =>
      inbox.take(frame, ({ payload, trace }) => {
        assert.ok(payload instanceof Uint8Array && payload.length <= messageBytesMax && trace.length <= 128);
      });
    if (isTaken(takeFrame)) counts.framesTaken++;
    else {
      counts.framesRefused++;
      inbox = new Inbox();
    }
    counts[isTaken(() => decodeHello(frame)) ? "hellosTaken" : "hellosRefused"]++;
    const message = damaged(prng, messages);
    counts[isTaken(() => replicaMessages.decode(message)) ? "messagesTaken" : "messagesRefused"]++;
  }
  return counts;
}

function sampleFrames(): Uint8Array[] {
  return [
    encodeHello(sampleHello),
    encodeParts([anyPart(kind.message, utf8("a message")), anyPart(kind.ping, utf8(""), { number: 7 })]),
    encodeParts([anyPart(kind.request, utf8("ask"), { number: 9, remainingMilliseconds: 50, trace: "00-ab-cd-01" })]),
    encodeParts([anyPart(kind.message, new Uint8Array(4096), { rest: 5000 })]),
    encodeParts([anyPart(kind.more, new Uint8Array(5000))]),
    encodeParts([anyPart(kind.answer, new Uint8Array(300), { number: 2 ** 32 - 1 })]),
  ];
}

/** One of `whole`, perhaps damaged. */
function damaged(prng: Prng, whole: readonly Uint8Array[]): Uint8Array {
  const any = (): Uint8Array => whole[prng.below(whole.length)] as Uint8Array;
  const bytes = copyBytes(any());
  // Damage is wanted where the structure is, and that is mostly in the first bytes.
  const place = (): number => prng.below(prng.chance(3, 4) ? Math.min(bytes.length, 24) : bytes.length);
  switch (prng.below(6)) {
    case 0:
      return bytes;
    case 1:
      for (let flips = prng.between(1, 4); flips > 0; flips--) {
        const at = place();
        bytes[at] = (bytes[at] as number) ^ (1 << prng.below(8));
      }
      return bytes;
    case 2:
      return bytes.subarray(0, place());
    case 3:
      return concatBytes([bytes.subarray(0, place()), any()]);
    case 4:
      bytes[place()] = 0xff;
      return concatBytes([bytes, any()]);
    default: {
      const noise = new Uint8Array(prng.below(64));
      prng.fill(noise);
      return noise;
    }
  }
}
