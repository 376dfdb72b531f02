// What a command may be. One answer for both ends: nothing else gets into a log, and nothing else is read from one. What got in and
// could not be applied would stop every replica of the group, now and after each restart.
//
// Sizes: a record has to fit into any entry that may ever carry it (put, merge, load) beside its key and what goes with it.

import { compareBytes, equalBytes } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { keyBytesMax } from "../base/limits.ts";
import { neverExpires, stampMax } from "../base/stamp.ts";
import { payloadBytesMax } from "../log/record.ts";
import { slotCount } from "../ring/slots.ts";
import { compareVersions } from "./answer.ts";
import { action, conditionKind, expiryMode, slotsModes } from "./command-words.ts";
import type { Command, Operation, RequestId } from "./command.ts";
import type { ForeignWrite, LoadCommand } from "./merge.ts";
import type { SlotsCommand } from "./slots-command.ts";

export interface CommandFault {
  readonly why: "bad_command" | "too_large";
  readonly detail: string;
}

const requestIdBytesMax = 64;
const operationsMax = 10_000;
/** Of a record: content type and value. */
export const recordPayloadBytesMax = payloadBytesMax - 4096;
/** More than anything takes in front of and between keys and bodies. */
const commandOverheadBytes = 128;
const operationOverheadBytes = 40;
const writeOverheadBytes = 160;

export function commandFault({ request, operations }: Command): CommandFault | undefined {
  const count = operations.length;
  if (count < 1 || count > operationsMax) return bad(`a command of ${count} operations`);
  if (request !== undefined) {
    const fault = requestFault(request);
    if (fault !== undefined) return fault;
  }
  let bytes = commandOverheadBytes;
  for (const operation of operations) {
    const fault = operationFault(operation);
    if (fault !== undefined) return fault;
    bytes += operationOverheadBytes + operation.key.length + operation.body.length;
  }
  return bytes > payloadBytesMax ? large(`a command of ${bytes} bytes`) : undefined;
}

function requestFault({ id, stamp }: RequestId): CommandFault | undefined {
  if (id.length < 1 || id.length > requestIdBytesMax) return bad(`a request id of ${id.length} bytes`);
  return isStamp(stamp) ? undefined : bad(`a request stamped ${stamp}`);
}

/** Of a write that comes from another log. */
export function foreignFault(write: ForeignWrite): CommandFault | undefined {
  const { version, request, isDelete, key, payload, expiry } = write;
  if (!isPosition(version.term) || !isPosition(version.index))
    return bad(`a write of ${version.term}.${version.index}`);
  if (!isStamp(expiry)) return bad(`an expiry of ${expiry}`);
  if (isDelete && payload.length > 0) return bad(`a delete with ${payload.length} bytes`);
  return (
    keyFault(key) ??
    (isDelete ? undefined : payloadFault(payload)) ??
    (request === undefined ? undefined : requestFault(request))
  );
}

export function loadFault({ since, writes }: LoadCommand): CommandFault | undefined {
  if (!isPosition(since)) return bad(`a load into slots that are sealed since entry ${since}`);
  if (writes.length > operationsMax) return bad(`a load of ${writes.length} records`);
  let bytes = commandOverheadBytes;
  for (const write of writes) {
    const fault = foreignFault(write);
    if (fault !== undefined) return fault;
    bytes += writeOverheadBytes + write.key.length + write.payload.length;
  }
  const twice = differentTwin(writes);
  if (twice !== undefined) return bad(`two writes of version ${twice.version.term}.${twice.version.index} to one key`);
  return bytes > payloadBytesMax ? large(`a load of ${bytes} bytes`) : undefined;
}

/** One whose key and version another has too, with something else in it: no replica could say which counts. */
function differentTwin(writes: readonly ForeignWrite[]): ForeignWrite | undefined {
  const order = (left: ForeignWrite, right: ForeignWrite): number =>
    compareBytes(left.key, right.key) || compareVersions(left.version, right.version);
  const inOrder = writes.toSorted(order);
  return inOrder.find((write, at) => {
    const before = inOrder[at - 1];
    if (before === undefined || order(before, write) !== 0) return false;
    return before.isDelete !== write.isDelete || !equalBytes(before.payload, write.payload);
  });
}

export function slotsFault({ mode, above, slots }: SlotsCommand): CommandFault | undefined {
  if (!slotsModes.includes(mode)) return bad("a command on slots of no known mode");
  if (!isWhole(above)) return bad(`slots above term ${above}`);
  if (slots.length > slotCount) return bad(`a command on ${slots.length} slots`);
  const wrong = slots.find((slot) => !isWhole(slot) || slot >= slotCount);
  return wrong === undefined ? undefined : bad(`a command on slot ${wrong}`);
}

function operationFault(operation: Operation): CommandFault | undefined {
  const { action: what, condition, expiry, version, expiresAt, body, key } = operation;
  if (!(what >= action.put && what <= action.touch)) return bad(`an operation of action ${what}`);
  if (!(condition >= conditionKind.none && condition <= conditionKind.version)) return bad(`a condition ${condition}`);
  if (!(expiry >= expiryMode.never && expiry <= expiryMode.keep)) return bad(`an expiry of mode ${expiry}`);
  const namesVersion = condition === conditionKind.version;
  if (namesVersion !== (version !== undefined)) return bad("a version without its condition, or the other way round");
  if (version !== undefined && (!isWhole(version.term) || !isWhole(version.index))) {
    return bad(`a condition on ${version.term}.${version.index}`);
  }
  if ((expiry === expiryMode.at) !== (expiresAt !== undefined))
    return bad("an expiry without its mode, or the other way round");
  // Zero would say that it never expires.
  if (expiresAt === neverExpires || (expiresAt !== undefined && !isStamp(expiresAt))) {
    return bad(`an expiry of ${expiresAt}`);
  }
  if (what === action.put) return keyFault(key) ?? payloadFault(body);
  const takesBody = what === action.increment || what === action.append;
  if (!takesBody && body.length > 0) return bad(`a delete or touch with ${body.length} bytes`);
  return keyFault(key) ?? sizeFault(body);
}

/** Of a read: a key that no record can have. */
export function badKeyOf(key: Uint8Array): TrefoilError | undefined {
  const fault = keyFault(key);
  return fault === undefined ? undefined : new TrefoilError("bad_key", fault.detail);
}

const keyFault = ({ length }: Uint8Array): CommandFault | undefined =>
  length >= 1 && length <= keyBytesMax ? undefined : bad(`a key of ${length} bytes`);

const sizeFault = ({ length }: Uint8Array): CommandFault | undefined =>
  length > recordPayloadBytesMax ? large(`a payload of ${length} bytes`) : undefined;

function payloadFault(payload: Uint8Array): CommandFault | undefined {
  const [typeLength] = payload;
  const isWholeType = typeLength !== undefined && 1 + typeLength <= payload.length;
  return isWholeType ? sizeFault(payload) : bad("a payload without a whole content type");
}

const bad = (detail: string): CommandFault => ({ why: "bad_command", detail });
const large = (detail: string): CommandFault => ({ why: "too_large", detail });

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;
const isPosition = (value: number): boolean => isWhole(value) && value > 0;
const isStamp = (value: number): boolean => isWhole(value) && value <= stampMax;
