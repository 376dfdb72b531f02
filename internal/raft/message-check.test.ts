import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, replicaId, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import { messageFault } from "./message-check.ts";
import type { Append } from "./messages.ts";
import type { Entry } from "./types.ts";

const payload = new Uint8Array(3);
const entry = (index: number, entryTerm: number): Entry => {
  return { term: term(entryTerm), index: logIndex(index), stamp: stamp(100 + index), flags: 0, kind: 2, payload };
};
const good: Append = {
  type: "append",
  from: replicaId(1),
  to: replicaId(2),
  term: term(5),
  hasQuorum: true,
  previousIndex: logIndex(3),
  previousTerm: term(4),
  entries: [entry(4, 4), entry(5, 5)],
  commit: logIndex(3),
};
const self = replicaId(2);

describe("raft: what can be a message", () => {
  it("takes a good one", () => assert.equal(messageFault(good, self), undefined));

  const wrong: Readonly<Record<string, Append>> = {
    "for somebody else": { ...good, to: replicaId(3) },
    "from oneself": { ...good, from: self },
    "from nobody": { ...good, from: 0 as typeof self },
    "of term 0": { ...good, term: 0 as typeof good.term },
    "with a gap": { ...good, entries: [entry(5, 5)] },
    "with a term that falls": { ...good, entries: [entry(4, 5), entry(5, 4)] },
    "with an entry of a later term": { ...good, entries: [entry(4, 6)] },
    "with a stamp that does not grow": { ...good, entries: [entry(4, 4), { ...entry(5, 5), stamp: stamp(104) }] },
    "with a previous entry of no term": { ...good, previousTerm: 0 as typeof good.term },
    "with a configuration that is none": { ...good, entries: [{ ...entry(4, 4), kind: 1 }] },
    "with a kind that is none": { ...good, entries: [{ ...entry(4, 4), kind: 256 }] },
  };
  for (const [name, message] of Object.entries(wrong)) {
    it(`refuses one ${name}`, () => assert.notEqual(messageFault(message, self), undefined));
  }

  it("takes terms and indexes up to 2^48, and none beyond, where doubles are not exact any more", () => {
    const at = (last: number): Append => {
      const place = { term: term(last), previousIndex: logIndex(last - 1), previousTerm: term(last) };
      return { ...good, ...place, entries: [entry(last, last)] };
    };
    for (const last of [2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 48])
      assert.equal(messageFault(at(last), self), undefined);
    for (const last of [2 ** 48 + 1, 2 ** 53, 2 ** 53 + 2, 2 ** 60, Number.POSITIVE_INFINITY, Number.NaN, -1, 5.5]) {
      assert.notEqual(messageFault(at(last), self), undefined, String(last));
    }
  });
});
