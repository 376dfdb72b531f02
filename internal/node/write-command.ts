// A client's write as the command that its group is to apply.

import { stamp, stampsPerMillisecond } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { action, conditionKind, expiryMode } from "../replica/command.ts";
import type { Command, Operation } from "../replica/command.ts";
import type { WriteRequest } from "./requests.ts";
import { payloadOf } from "./stored.ts";

const noBody = new Uint8Array(0);

/** `now`: the entry's stamp. `firstTry`: of the request's first try. No object here is spread: that would cost more than all the rest. */
export function commandOf(request: WriteRequest, now: Stamp, firstTry: Stamp): Command {
  const { key, condition, requestId } = request;
  const isPut = request.kind === "put";
  const ttl = isPut ? request.ttl : undefined;
  const operation: Operation = {
    action: isPut ? action.put : action.delete,
    key,
    condition: condition === undefined ? conditionKind.none : conditionKind[condition.kind],
    version: condition?.kind === "version" ? condition.version : undefined,
    expiry: ttl === undefined ? expiryMode.never : expiries[ttl.kind],
    expiresAt: ttl?.kind === "milliseconds" ? stamp(now + ttl.milliseconds * stampsPerMillisecond) : undefined,
    wantsPrevious: false,
    body: isPut ? payloadOf(request.contentType, request.value) : noBody,
  };
  return {
    request: requestId === undefined ? undefined : { id: requestId, stamp: firstTry },
    operations: [operation],
  };
}

const expiries = { none: expiryMode.never, milliseconds: expiryMode.at, keep: expiryMode.keep } as const;
