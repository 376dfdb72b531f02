import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import { clientKind } from "./client-wire.ts";
import { decodeTalk, encodeTalk, isMapTalk } from "./peer-talk.ts";
import type { Talk } from "./peer-talk.ts";

const map = placedMap(
  ["n1", "n2", "n3"].map((id) => mapNode(id, "a")),
  4,
);
const peers = ["n1", "n2", "n3"].map(nodeId);
const proposal = { cluster: "c", peers, groups: 4, disks: ["d1", "d2", "d3"] };
const word = { disk: "d1", peers, groups: 4, record: { stage: "recorded", proposal } } as const;

const samples: readonly Talk[] = [
  { kind: "found", word },
  { kind: "found", word: { ...word, record: { stage: "empty" } } },
  { kind: "found", word: { ...word, record: { stage: "complete", proposal } } },
  { kind: "map", epoch: 7, map: undefined },
  { kind: "map", epoch: map.epoch, map },
  { kind: "register", node: mapNode("n4", "b") },
  { kind: "joined", group: groupId(3), replica: replicaId(4) },
  { kind: "leaving" },
  { kind: "clock", wall: undefined },
  { kind: "clock", wall: 1_760_000_000_123 },
  { kind: "unfit", why: "no space" },
];

const isCorruption = (failure: unknown): boolean => failure instanceof TrefoilError && failure.code === "corruption";

describe("what nodes ask of each other", () => {
  it("is the same after it was bytes, and below the kinds of clients' requests", () => {
    for (const talk of samples) {
      const bytes = encodeTalk(talk);
      assert.deepEqual(decodeTalk(bytes), talk);
      assert.ok((bytes[0] as number) < clientKind.get);
      assert.equal(isMapTalk(bytes), talk.kind === "map");
    }
  });

  it("passes over what a later version may say beside it, and refuses kinds that it does not know", () => {
    const bytes = encodeTalk({ kind: "joined", group: groupId(3), replica: replicaId(4) });
    const text = new TextDecoder().decode(bytes.subarray(1));
    const more = Uint8Array.of(bytes[0] as number, ...utf8(text.replace("{", '{"new":{"deep":[1]},')));
    assert.deepEqual(decodeTalk(more), { kind: "joined", group: groupId(3), replica: replicaId(4) });
    assert.throws(() => decodeTalk(Uint8Array.of(15, ...utf8("{}"))), isCorruption);
  });

  it("is corruption when it is none of these, whatever it is", () => {
    const changed = fc
      .tuple(fc.constantFrom(...samples.map(encodeTalk)), fc.nat(), fc.nat({ max: 255 }))
      .map(([bytes, at, byte]) => bytes.map((old, place) => (place === at % bytes.length ? byte : old)));
    const json = fc
      .tuple(fc.integer({ min: 0, max: 7 }), fc.json())
      .map(([kind, text]) => Uint8Array.of(kind, ...utf8(text)));
    const cut = fc
      .tuple(fc.constantFrom(...samples.map(encodeTalk)), fc.nat())
      .map(([bytes, length]) => bytes.subarray(0, length % bytes.length));
    fc.assert(
      fc.property(fc.oneof(changed, json, cut, fc.uint8Array({ maxLength: 40 })), (foreign) => {
        try {
          decodeTalk(foreign);
        } catch (failure) {
          assert.ok(isCorruption(failure), String(failure));
        }
      }),
      { numRuns: 3000 },
    );
  });
});
