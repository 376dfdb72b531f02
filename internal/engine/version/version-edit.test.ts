import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { keyOf, metaOf, randomStates } from "../../../test/engine/version-fixture.ts";
import { concatBytes } from "../../base/bytes.ts";
import { ByteWriter } from "../../base/codec.ts";
import { fileNumber, groupId, incarnation, logIndex, sequence, term } from "../../base/ids.ts";
import { Prng } from "../../base/prng.ts";
import { stamp } from "../../base/stamp.ts";
import { decodeEdit, encodeEdit } from "./edit-codec.ts";
import { faultOfState } from "./state-invariants.ts";
import { applyEdit, editFromState, editOf, emptyState } from "./version-edit.ts";
import type { EngineState, VersionEdit } from "./version-edit.ts";

const [one, two, three] = [incarnation(1), incarnation(2), incarnation(3)];
const group = groupId(9);

function after(...edits: Partial<VersionEdit>[]): EngineState {
  return edits.reduce<EngineState>((state, edit) => applyEdit(state, editOf(edit)), emptyState);
}

const born = { switches: [{ group, incarnation: one, snapshot: undefined }] };
const table = (number: number, from: string, to: string, newest = 1) =>
  metaOf({
    number: fileNumber(number),
    smallest: keyOf(1, from),
    largest: keyOf(1, to),
    sequenceGreatest: sequence(newest),
  });

describe("a change of state", () => {
  test("merges applied indexes and horizons by maximum", () => {
    const horizon = (watermark: number, expiryHorizon: number) => ({
      incarnation: one,
      watermark: stamp(watermark),
      expiryHorizon: stamp(expiryHorizon),
    });
    const state = after(
      born,
      { applied: [{ incarnation: one, index: logIndex(7) }], garbage: [horizon(10, 30)] },
      { applied: [{ incarnation: one, index: logIndex(5) }], garbage: [horizon(20, 15)] },
    );
    assert.equal(state.applied.get(one), 7);
    assert.deepEqual(state.horizons.get(one), horizon(20, 30));
  });

  test("installs a snapshot at once: tables, mark, applied index, and the death of what was there", () => {
    const before = after(born, { applied: [{ incarnation: one, index: logIndex(7) }] });
    const mark = { term: term(3), index: logIndex(40) };
    const state = applyEdit(
      before,
      editOf({
        switches: [{ group, incarnation: three, snapshot: mark }],
        added: [{ level: 6, meta: table(1, "a", "b") }],
        applied: [{ incarnation: three, index: logIndex(40) }],
        nextFileNumber: fileNumber(2),
        lastSequence: sequence(1),
      }),
    );
    assert.deepEqual(state.groups.get(group), { incarnation: three, snapshot: mark });
    assert.deepEqual([...state.applied], [[three, 40]]);
    assert.deepEqual([...state.dead], [one]);
    assert.equal(state.nextIncarnation, 4, "numbers of incarnations are never given again");
    assert.equal(state.version.levels[6]?.length, 1);
    assert.equal(faultOfState(state), undefined);
  });

  test("forgets a group that leaves, and what a late flush says of it", () => {
    const state = after(
      born,
      { applied: [{ incarnation: one, index: logIndex(7) }] },
      { switches: [{ group, incarnation: undefined, snapshot: undefined }] },
      {
        applied: [{ incarnation: one, index: logIndex(9) }],
        garbage: [{ incarnation: one, watermark: stamp(1), expiryHorizon: stamp(1) }],
      },
    );
    assert.equal(state.groups.size + state.applied.size + state.horizons.size, 0);
    assert.deepEqual([...state.dead], [one]);
    const forgotten = applyEdit(state, editOf({ forgotten: [one] }));
    assert.equal(forgotten.dead.size, 0);
    assert.equal(forgotten.nextIncarnation, 2);
  });

  test("keeps level 0 newest first, whatever the order in which tables come", () => {
    const tables = [
      table(5, "a", "z", 10),
      table(3, "a", "z", 30),
      { ...table(7, "a", "b", 99), sequenceOverride: sequence(20) },
    ];
    const { version } = after({ added: tables.map((meta) => ({ level: 0, meta })) });
    assert.deepEqual(
      version.levels[0]?.map((meta) => meta.number),
      [3, 7, 5],
    );
  });

  test("leaves the state before as it was", () => {
    const { edits, states } = randomStates(40, new Prng(1));
    const shown = states.map((state) => encodeEdit(editFromState(state)).join(" "));
    for (const [at, edit] of edits.entries()) applyEdit(states[at] as EngineState, edit);
    assert.deepEqual(
      states.map((state) => encodeEdit(editFromState(state)).join(" ")),
      shown,
    );
  });

  test("of any kind survives its bytes, and so does the state that edits lead to", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { edits, states } = randomStates(30, new Prng(seed));
        for (const [at, edit] of edits.entries()) {
          assert.deepEqual(decodeEdit(encodeEdit(edit), "edit"), edit);
          const state = states[at + 1] as EngineState;
          assert.equal(faultOfState(state), undefined);
          assert.deepEqual(applyEdit(emptyState, decodeEdit(encodeEdit(editFromState(state)), "state")), state);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("with numbers, levels or keys that cannot be is corruption", () => {
    const large = new ByteWriter().varint(2 ** 32).finish();
    const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
      ["an incarnation above 32 bits", concatBytes([Uint8Array.of(6), large]), /4294967296 .* does not fit 32 bits/],
      ["a group above 32 bits", concatBytes([Uint8Array.of(5), large, Uint8Array.of(1, 0, 0)]), /does not fit 32 bits/],
      ["an eighth level", Uint8Array.of(2, 7, 1), /there is no level 7/],
      [
        "a key without an incarnation",
        Uint8Array.of(1, 0, 1, 1, 1, 1, 0, 3, 0, 0, 0),
        /a key of 3 bytes before offset 11/,
      ],
      ["an unknown field", Uint8Array.of(11), /there is no field with tag 11/],
      ["a field that ends early", Uint8Array.of(3, 1), /it ends at 2/],
    ];
    for (const [what, bytes, message] of cases) {
      assert.throws(() => decodeEdit(bytes, "edit 3 at offset 90"), { code: "corruption", message }, what);
    }
  });

  test("that is foreign bytes is corruption or an edit, and nothing else happens", () => {
    const { edits } = randomStates(30, new Prng(4));
    const bytes = edits.map(encodeEdit).toSorted((a, b) => b.length - a.length)[0] ?? new Uint8Array(0);
    const damaged = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255), length: fc.nat(bytes.length) })
        .map(({ at, byte, length }) => {
          const copy = bytes.slice(0, length);
          copy[Math.min(at, length)] = byte;
          return copy;
        }),
    );
    fc.assert(
      fc.property(damaged, (given) => {
        try {
          decodeEdit(given, "/data/manifest-000001: edit 3 at offset 90");
        } catch (failure) {
          assert.ok(failure instanceof Error);
          assert.match(failure.message, /^\/data\/manifest-000001: edit 3 at offset 90/);
          assert.equal((failure as { code?: unknown }).code, "corruption", failure.stack);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a state's invariants", () => {
  const sound = { nextFileNumber: fileNumber(9), lastSequence: sequence(50) };
  const cases: readonly (readonly [string, EngineState, RegExp])[] = [
    [
      "tables of a level overlap",
      after({
        ...sound,
        added: [
          { level: 2, meta: table(1, "a", "m") },
          { level: 2, meta: table(2, "m", "z") },
        ],
      }),
      /tables 1 and 2 of level 2 overlap/,
    ],
    [
      "a table stands in two levels",
      after({
        ...sound,
        added: [
          { level: 2, meta: table(1, "a", "b") },
          { level: 3, meta: table(1, "a", "b") },
        ],
      }),
      /table 1 stands in it twice/,
    ],
    [
      "a key range is reversed",
      after({ ...sound, added: [{ level: 2, meta: table(1, "b", "a") }] }),
      /range of table 1 is reversed/,
    ],
    [
      "a table has a number not given yet",
      after({ ...sound, added: [{ level: 2, meta: table(9, "a", "b") }] }),
      /table 9 .* next number is 9/,
    ],
    [
      "a table is newer than every write",
      after({ ...sound, added: [{ level: 0, meta: table(1, "a", "b", 51) }] }),
      /sequence 51, .* is 50/,
    ],
    [
      "two groups share an incarnation",
      after(born, { switches: [{ group: groupId(2), incarnation: one, snapshot: undefined }] }),
      /two groups have incarnation 1/,
    ],
    ["a dead incarnation lives", after(born, { died: [one] }), /incarnation 1 is dead, but group 9 has it/],
    [
      "an incarnation is newer than every one",
      { ...after(born), nextIncarnation: one },
      /incarnation 1 .* next to be given is 1/,
    ],
    [
      "somebody nobody has is applied",
      { ...after(born), applied: new Map([[two, logIndex(1)]]) },
      /of incarnation 2, which no group has/,
    ],
  ];
  for (const [what, state, message] of cases) {
    test(`are broken when ${what}`, () => {
      assert.match(faultOfState(state) ?? "", message);
    });
  }

  test("are broken when level 0 is not newest first", () => {
    const state = after({
      ...sound,
      added: [table(1, "a", "b", 5), table(2, "a", "b", 6)].map((meta) => ({ level: 0, meta })),
    });
    const levels = state.version.levels.map((tables, level) => (level === 0 ? tables.toReversed() : tables));
    assert.match(faultOfState({ ...state, version: { levels } }) ?? "", /level 0 is not ordered at table 2/);
  });
});
