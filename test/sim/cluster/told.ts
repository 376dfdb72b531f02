// Requests and answers of coordinators in the words of histories, and back.

import { utf8, utf8Text } from "../../../internal/base/bytes.ts";
import { stampOfMilliseconds } from "../../../internal/base/stamp.ts";
import type { GroupRefusal } from "../../../internal/node/failure.ts";
import type { Condition, StoredRecord, WriteAnswer, WriteRequest } from "../../../internal/node/requests.ts";
import type { Done, Saw, Step, StepCondition, Told, WriteDone } from "../history.ts";
import { virtualMilliseconds } from "../virtual-time.ts";

export const keyOf = (done: Done): Uint8Array => utf8(done.kind === "read" ? done.key : (done.steps[0]?.key ?? ""));

export function requestOf(done: WriteDone): WriteRequest {
  const step = done.steps[0] as Step;
  const asked = {
    key: utf8(step.key),
    mode: done.mode,
    condition: conditionOf(step.condition),
    requestId: done.request === undefined ? undefined : utf8(done.request),
  };
  if (step.action === "delete") return { ...asked, kind: "delete" };
  const { expiry, body } = step;
  const ttl =
    expiry === "never"
      ? ({ kind: "none" } as const)
      : expiry === "keep"
        ? ({ kind: "keep" } as const)
        : ({ kind: "milliseconds", milliseconds: expiry } as const);
  return { ...asked, kind: "put", value: utf8(body), contentType: "", ttl };
}

function conditionOf(condition: StepCondition): Condition | undefined {
  if (condition === "none") return undefined;
  return typeof condition === "string" ? { kind: condition } : { kind: "version", version: condition };
}

export function writtenOf({ version }: WriteAnswer): Told {
  return { kind: "done", version, at: undefined, values: [undefined] };
}

export function refusedOf({ present }: GroupRefusal): Told {
  return { kind: "refused", why: "condition", step: 0, present };
}

export function sawOf(record: Omit<StoredRecord, "contentType"> | undefined): Saw {
  if (record === undefined) return { kind: "saw", value: undefined, version: undefined, expiresAt: undefined };
  const { value, version, expiresAt } = record;
  const at = expiresAt === undefined ? undefined : virtualMilliseconds(stampOfMilliseconds(expiresAt));
  return { kind: "saw", value: utf8Text(value), version, expiresAt: at };
}
