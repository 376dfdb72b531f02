// docs/formats/commands.md and docs/formats/group.md against the code: examples are what the code writes, tables hold its numbers.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { hex, utf8 } from "../../internal/base/bytes.ts";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import { neverExpires, stamp } from "../../internal/base/stamp.ts";
import { configuration, encodeConfiguration } from "../../internal/raft/configuration.ts";
import { entryKind } from "../../internal/raft/types.ts";
import { decodeAnswer, encodeAnswer } from "../../internal/replica/answer.ts";
import type { CommandAnswer } from "../../internal/replica/answer.ts";
import { commandFault, loadFault, recordPayloadBytesMax } from "../../internal/replica/command-check.ts";
import { action, commandKind, conditionKind, encodeCommand, expiryMode } from "../../internal/replica/command.ts";
import type { Command, Operation } from "../../internal/replica/command.ts";
import { slotsModes } from "../../internal/replica/command-words.ts";
import { Departures } from "../../internal/replica/departures.ts";
import { decodeFate, encodeFate } from "../../internal/replica/fates.ts";
import { fateKey, GroupState, slotKey, systemTag } from "../../internal/replica/group-state.ts";
import { encodeLoad, encodeMerge } from "../../internal/replica/merge.ts";
import type { ForeignWrite } from "../../internal/replica/merge.ts";
import { MovingSlots } from "../../internal/replica/moving-slots.ts";
import { encodeSlots } from "../../internal/replica/slots-command.ts";
import { payloadBytesMax } from "../../internal/log/record.ts";
import { examplesOfHexPage, rowsOfPage } from "../support/hex-page.ts";

const commands = readFileSync("docs/formats/commands.md", "utf8");
const group = readFileSync("docs/formats/group.md", "utf8");

const at = (ofTerm: number, index: number) => ({ term: term(ofTerm), index: logIndex(index) });
const boundary = (ofTerm: number, index: number, stamped: number) => ({ ...at(ofTerm, index), stamp: stamp(stamped) });
const voters = (...ids: number[]) => ids.map(replicaId);

function operation(what: Partial<Operation> & Pick<Operation, "action" | "key" | "body">): Operation {
  return { condition: conditionKind.none, expiry: expiryMode.never, wantsPrevious: false, ...what };
}

const put = operation({ action: action.put, key: utf8("k"), body: utf8("\0hi") });
const request = { id: utf8("r1"), stamp: stamp(2048) };
const both: Command = {
  request,
  operations: [
    operation({
      action: action.put,
      key: utf8("a"),
      condition: conditionKind.version,
      version: at(3, 9),
      expiry: expiryMode.at,
      expiresAt: stamp(9000),
      body: utf8("\x0atext/plainx"),
    }),
    operation({ action: action.increment, key: utf8("n"), expiry: expiryMode.keep, body: utf8("-5") }),
  ],
};
const lost: ForeignWrite = {
  version: at(3, 9),
  request: undefined,
  isDelete: false,
  key: utf8("k"),
  payload: utf8("\0hi"),
  expiry: neverExpires,
};
const deleted = { ...lost, version: at(3, 12), isDelete: true, key: utf8("m"), payload: new Uint8Array(0) };

function assertExamples(page: string, encoded: readonly Uint8Array[]): void {
  assert.deepEqual(examplesOfHexPage(page).map(hex), encoded.map(hex));
}

/** The numbers and names that lead the rows of a table. */
function named(page: string, header: string): [number, string][] {
  return rowsOfPage(page, header).map(([number, name = ""]) => [Number(number), name.replace(/:.*/, "")]);
}

const numbered = (names: Readonly<Record<string, number>>): [number, string][] =>
  Object.entries(names).map(([name, number]) => [number, name]);

describe("docs/formats/commands.md", () => {
  it("shows what the code writes", () => {
    assertExamples(commands, [
      encodeCommand({ request: undefined, operations: [put] }),
      encodeCommand(both),
      encodeMerge({ ...lost, request }),
      encodeLoad({ since: logIndex(5), writes: [deleted] }),
      encodeSlots({ mode: "open", above: term(7), slots: [866, 16_383] }),
      encodeConfiguration(configuration(voters(1, 2, 4), [], voters(1, 2, 3))),
      encodeAnswer({ kind: "done", version: at(3, 10), values: [undefined, utf8("37")] }),
      encodeAnswer({ kind: "refused", version: at(3, 10), why: "condition", operation: 0, present: at(3, 8) }),
    ]);
  });

  it("names kinds, actions, conditions, expiries and modes by their numbers", () => {
    assert.deepEqual(named(commands, "kind | entry"), numbered({ ...entryKind, ...commandKind }));
    assert.deepEqual(named(commands, "number | action"), numbered(action));
    assert.deepEqual(named(commands, "number | condition"), numbered(conditionKind));
    assert.deepEqual(named(commands, "number | expiry"), numbered(expiryMode));
    assert.deepEqual(
      named(commands, "number | mode"),
      slotsModes.map((mode, number) => [number, mode]),
    );
  });

  it("names what a command may come to by its number, and all of it", () => {
    const rows = named(commands, "kind | answer");
    for (const [kind, name] of rows) {
      const answer: CommandAnswer =
        name === "done"
          ? { kind: "done", version: at(1, 1), values: [] }
          : { kind: "refused", version: at(1, 1), why: name as "condition", operation: 0, present: undefined };
      assert.equal(encodeAnswer(answer)[0], kind, name);
      assert.deepEqual(decodeAnswer(encodeAnswer(answer)), answer);
    }
    const refused = { kind: "refused", version: at(1, 1), why: "condition", operation: 0, present: undefined } as const;
    const next = encodeAnswer(refused);
    next[0] = rows.length;
    assert.throws(() => decodeAnswer(next), { code: "corruption" });
  });

  it("says what a command may hold", () => {
    const bounds = new Map(rowsOfPage(commands, "what | bound").map(([what = "", bound = ""]) => [what, bound]));
    const bound = (what: string, which: number): number => Number(bounds.get(what)?.match(/\d+/g)?.[which]);
    assert.equal(bound("payload of an entry", 0), payloadBytesMax);
    assert.equal(bound("record: content type and value", 0), payloadBytesMax - recordPayloadBytesMax);
    const takes = (asked: Partial<Command>): boolean =>
      commandFault({ request: undefined, operations: [put], ...asked }) === undefined;
    const ends = (what: string, takesSize: (size: number) => boolean): void => {
      const [least, most] = [bound(what, 0), bound(what, 1)];
      assert.deepEqual([least - 1, least, most, most + 1].map(takesSize), [false, true, true, false], what);
    };
    const count = (size: number): Operation[] => Array.from({ length: size }, () => put);
    ends("operations of a command, writes of a load", (size) => takes({ operations: count(size) }));
    ends("key", (size) => takes({ operations: [{ ...put, key: new Uint8Array(size) }] }));
    ends("id of a request", (size) => takes({ request: { ...request, id: new Uint8Array(size) } }));
    assert.equal(loadFault({ since: logIndex(1), writes: [] }), undefined);
    const loads = Array.from({ length: 10_001 }, (_, index) => ({ ...lost, version: at(1, 1 + index) }));
    assert.equal(loadFault({ since: logIndex(1), writes: loads.slice(1) }), undefined);
    assert.notEqual(loadFault({ since: logIndex(1), writes: loads }), undefined);
  });
});

describe("docs/formats/group.md", () => {
  it("shows what the code writes", () => {
    const slots = new MovingSlots();
    slots.move({ mode: "close", above: term(0), slots: [9] }, boundary(2, 11, 890));
    slots.move({ mode: "open", above: term(1), slots: [9] }, boundary(2, 12, 900));
    slots.move({ mode: "close", above: term(0), slots: [9] }, boundary(2, 20, 1000));
    slots.loaded([9], stamp(1010));
    const departures = new Departures();
    departures.changed(configuration(voters(1, 2, 3)), configuration(voters(1, 2, 4)), stamp(1000));
    departures.release(replicaId(2), configuration(voters(1, 2, 4)));
    const state = new GroupState(configuration(voters(1, 2, 3)));
    state.last = boundary(4, 15, 4096);
    assertExamples(group, [
      encodeFate({ fate: "superseded", mergedAt: at(4, 15), write: lost }),
      fateKey(term(3), logIndex(9)),
      slots.encode(9) ?? utf8("nothing"),
      slotKey(9),
      departures.encode(),
      state.encodeLast(),
    ]);
  });

  it("names every record of the group by its tag and letter", () => {
    const rows = rowsOfPage(group, "tag | letter");
    assert.deepEqual(
      rows.map(([tag]) => Number(tag)),
      Object.values(systemTag).toSorted((left, right) => left - right),
    );
    for (const [tag, letter = ""] of rows) assert.equal(String.fromCharCode(Number(tag)), letter);
  });

  it("names every fate by its number", () => {
    for (const [kind, fate] of named(group, "number | fate")) {
      const known = { fate: fate as "lost", mergedAt: at(1, 1), write: undefined };
      assert.equal(encodeFate(known)[0], kind);
      assert.deepEqual(decodeFate(encodeFate(known)), known);
    }
    const next = encodeFate({ fate: "lost", mergedAt: at(1, 1), write: undefined });
    next[0] = rowsOfPage(group, "number | fate").length;
    assert.throws(() => decodeFate(next), { code: "corruption" });
  });
});
