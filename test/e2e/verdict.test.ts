import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../../internal/base/ids.ts";
import { History } from "../sim/history.ts";
import type { HistoryEntry, Mode, Step, Written } from "../sim/history.ts";
import { judgeTries } from "./tries.ts";
import type { Try } from "./tries.ts";
import { judgeSpells } from "./verdict.ts";

const step: Step = { key: "k", action: "put", condition: "none", expiry: "never", body: "v", wantsPrevious: false };
const spells = [{ node: 0, from: 100, to: 200 }];
const idOf = (node: number): string => `n${node + 1}`;

const done = (index: number): Written => {
  return { kind: "done", version: { term: term(1), index: logIndex(index) }, at: undefined, values: [] };
};

function write(history: History, mode: "fast" | "strong" = "strong", request = "1-1"): HistoryEntry {
  return history.begin(1, { kind: "write", mode, steps: [step], request }, 90);
}

function answer(entry: HistoryEntry, via: string, [calledAt, returnedAt]: readonly [number, number], index = 7): Try {
  return { entry, told: done(index), via, calledAt, returnedAt };
}

function read(mode: Mode, via: string, [calledAt, returnedAt]: readonly [number, number]): History {
  const history = new History();
  const entry = history.begin(1, { kind: "read", mode, key: "k" }, calledAt);
  entry.via = via;
  history.end(entry, { kind: "saw", value: undefined, version: undefined, expiresAt: undefined }, returnedAt);
  return history;
}

const judge = (history: History, tries: readonly Try[] = []) => judgeSpells(history, tries, { spells, idOf });

describe("a node that is cut off", () => {
  it("has broken a promise when it served a strong read from its beginning to its end", () => {
    const wrong = /^one side answers: n1 was cut off, and answered client 1: strong read of k -> absent$/;
    assert.throws(() => judge(read("strong", "n1/2", [110, 190])), { message: wrong });
    for (const good of [
      read("fast", "n1/2", [110, 190]),
      read("strong", "n2/1", [110, 190]),
      read("strong", "n1/2", [90, 190]),
      read("strong", "n1/2", [110, 210]),
    ])
      judge(good);
  });

  it("has so when it answered any try of a strong write, though its client had gone on elsewhere", () => {
    const history = new History();
    const entry = write(history);
    entry.via = "n2/1";
    history.end(entry, done(7), 150);
    const kept = answer(entry, "n2/1", [140, 150]);
    judge(history, [kept, answer(entry, "n1/2", [95, 180])]);
    const wrong = /^one side answers: n1 was cut off, and answered client 1: strong put k "v" as request 1-1 -> 1\.7$/;
    assert.throws(() => judge(history, [kept, answer(entry, "n1/2", [110, 180])]), { message: wrong });
    judge(history, [answer(write(history, "fast"), "n1/2", [110, 180])]);
  });
});

describe("a request that is made several times", () => {
  it("has one version, whoever is asked", () => {
    const history = new History();
    const [first, second] = [write(history), write(history, "strong", "1-2")];
    const tries = [answer(first, "n1/1", [1, 2]), answer(second, "n1/1", [3, 4], 8), answer(first, "n2/1", [5, 6])];
    judgeTries(tries);
    const wrong = "once a request: request 1-1 was answered as 1.7 by n1/1 and as 1.9 by n3/1";
    assert.throws(() => judgeTries([...tries, answer(first, "n3/1", [7, 8], 9)]), { message: wrong });
  });
});
