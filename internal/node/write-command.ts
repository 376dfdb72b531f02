// A client's write as the command that its group is to apply.

import { stamp, stampsPerMillisecond } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { action, conditionKind, expiryMode } from "../replica/command.ts";
import type { Command } from "../replica/command.ts";
import type { WriteRequest } from "./requests.ts";
import { payloadOf } from "./stored.ts";

const plain = { condition: conditionKind.none, wantsPrevious: false } as const;

/** `now`: the entry's stamp. `firstTry`: of the request's first try. */
export function commandOf(request: WriteRequest, now: Stamp, firstTry: Stamp): Command {
  const { key, condition, requestId } = request;
  const asked = {
    ...plain,
    key,
    condition: condition === undefined ? conditionKind.none : conditionKind[condition.kind],
    version: condition?.kind === "version" ? condition.version : undefined,
  };
  const made = requestId === undefined ? undefined : { id: requestId, stamp: firstTry };
  if (request.kind === "delete") {
    const operation = { ...asked, action: action.delete, expiry: expiryMode.never, body: new Uint8Array(0) };
    return { request: made, operations: [operation] };
  }
  const { ttl } = request;
  const expiry = { none: expiryMode.never, milliseconds: expiryMode.at, keep: expiryMode.keep }[ttl.kind];
  const expiresAt = ttl.kind === "milliseconds" ? stamp(now + ttl.milliseconds * stampsPerMillisecond) : undefined;
  const body = payloadOf(request.contentType, request.value);
  return { request: made, operations: [{ ...asked, action: action.put, expiry, expiresAt, body }] };
}
