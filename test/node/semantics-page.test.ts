// docs/semantics.md against the code: every reason for which a replica refuses a write, when it is proposed or when it is applied, is told
// as the page says, and the table of codes is the one that edges use.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { errorCodes } from "../../internal/base/errors.ts";
import { groupId, logIndex, nodeId, term } from "../../internal/base/ids.ts";
import { stamp, stampMax } from "../../internal/base/stamp.ts";
import { GroupService } from "../../internal/node/group-service.ts";
import type { GroupAnswer } from "../../internal/node/group-service.ts";
import { codeOf } from "../../internal/node/refusals.ts";
import type { RefusalReason } from "../../internal/replica/answer.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { Proposed } from "../../internal/replica/write-answers.ts";
import type { WriteRefusal } from "../../internal/replica/write-rules.ts";
import { rowsOfPage } from "../support/hex-page.ts";

const page = readFileSync("docs/semantics.md", "utf8");
const version = { term: term(3), index: logIndex(9) };

// As records, so that the compiler finds what is missing.
const proposedRefusals: Readonly<Record<WriteRefusal, true>> = {
  not_leader: true,
  transferring: true,
  busy: true,
  no_quorum: true,
  bad_command: true,
  too_large: true,
  not_blind: true,
  not_ready: true,
  leaving: true,
  answers_full: true,
  request_too_old: true,
  request_too_new: true,
  sealed: true,
  not_sealed: true,
  term_too_low: true,
  storage_full: true,
  stopping: true,
};
const appliedRefusals: Readonly<Record<RefusalReason, true>> = {
  condition: true,
  conflict: true,
  sealed: true,
  not_sealed: true,
  request_too_old: true,
  request_too_new: true,
  answers_full: true,
  too_large: true,
};

async function told(proposed: Proposed): Promise<string> {
  const replica = { status: { role: "follower" }, propose: () => proposed } as unknown as Replica;
  const service = new GroupService(
    () => replica,
    () => nodeId("n2"),
    () => stampMax,
  );
  const request = {
    kind: "delete",
    key: Uint8Array.of(1),
    mode: undefined,
    condition: undefined,
    requestId: undefined,
  } as const;
  return inWords(await service.write(groupId(1), { request, mode: "strong", stamp: stamp(1) }));
}

function inWords(answer: GroupAnswer<unknown>): string {
  assert.ok(answer.kind !== "done");
  if (answer.kind === "again") return `${codeOf(answer.why)}, elsewhere: not_applied`;
  return `${answer.code}: ${answer.outcome}`;
}

const plain = (cell = ""): string => cell.replaceAll("`", "");

describe("docs/semantics.md", () => {
  const rows = new Map(
    rowsOfPage(page, "why | told as").map(([why, as, outcome]) => [plain(why), `${plain(as)}: ${plain(outcome)}`]),
  );

  it("says what a client is told for every reason to refuse a write", async () => {
    const known = new Set([...Object.keys(proposedRefusals), ...Object.keys(appliedRefusals)]);
    assert.deepEqual([...rows.keys()].toSorted(), [...known].toSorted());
    for (const why of Object.keys(proposedRefusals) as WriteRefusal[]) {
      assert.equal(await told({ kind: "refused", why }), rows.get(why), why);
    }
    for (const why of Object.keys(appliedRefusals) as RefusalReason[]) {
      const answer = { kind: "refused", version, why, operation: 0, present: undefined } as const;
      const way = { consistency: "strong", acks: 2, durability: "synced" } as const;
      const outcome = Promise.resolve({ kind: "refused", answer, version, stamp: stamp(1), ...way } as const);
      assert.equal(await told({ kind: "accepted", version, outcome }), rows.get(why), `${why}, applied`);
    }
  });

  it("lists all codes, with their status and whether to try again", () => {
    const listed = rowsOfPage(page, "code | HTTP").map((cells) => cells.map(plain).join(" "));
    const codes = Object.entries(errorCodes).map(
      ([code, { httpStatus, retryable }]) => `${code} ${httpStatus} ${retryable ? "yes" : "no"}`,
    );
    assert.deepEqual(listed.toSorted(), codes.toSorted());
  });
});
