import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Version } from "../../../internal/engine/cell.ts";
import { History } from "../history.ts";
import type { Step } from "../history.ts";
import { checkOnce } from "./once.ts";

const at = (index: number): Version => ({ term: 1, index }) as Version;

function put(history: History, value: string, told: Version | undefined, request?: string): void {
  const step: Step = {
    key: "s0",
    action: "put",
    condition: "none",
    expiry: "never",
    body: value,
    wantsPrevious: false,
  };
  const entry = history.begin(1, { kind: "write", mode: "strong", steps: [step], request }, 0);
  history.end(entry, told && { kind: "done", version: told, at: undefined, values: [undefined] }, 1);
}

function read(history: History, value: string, version: Version): void {
  const entry = history.begin(2, { kind: "read", mode: "fast", key: "s0" }, 2);
  history.end(entry, { kind: "saw", value, version, expiresAt: undefined }, 3);
}

describe("a write without a request id", () => {
  it("has one version, in its answer and wherever it is seen", () => {
    const history = new History();
    put(history, "a", at(1));
    put(history, "b", undefined);
    for (const value of ["a", "a"]) read(history, value, at(1));
    for (const value of ["b", "b"]) read(history, value, at(2));
    checkOnce(history);
  });

  it("is told when it was made twice: seen so, or seen once and told otherwise", () => {
    const seen = new History();
    put(seen, "a", undefined);
    read(seen, "a", at(1));
    read(seen, "a", at(2));
    assert.throws(() => checkOnce(seen), /once a write: s0 "a" is 1\.1 and 1\.2/);
    const told = new History();
    put(told, "a", at(2));
    read(told, "a", at(1));
    assert.throws(() => checkOnce(told), /once a write: s0 "a" is 1\.2 and 1\.1/);
  });

  it("under a request id may have had tries that others see", () => {
    const history = new History();
    put(history, "a", at(2), "r");
    read(history, "a", at(1));
    checkOnce(history);
  });
});
