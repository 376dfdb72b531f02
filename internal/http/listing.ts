// `/-/keys`: what a listing asks for, and its page as JSON.

import { emptyBytes } from "../base/bytes.ts";
import { openCursor, sealCursor } from "../node/cursors.ts";
import { checkPrefix } from "../node/request-rules.ts";
import { listLimitMax } from "../node/requests.ts";
import type { ListAnswer, ListRequest } from "../node/requests.ts";
import type { Answer } from "./answer.ts";
import { listLimitDefault } from "./limits.ts";
import { consistencyOf, countOf, flagOf, timeoutOf } from "./parameters.ts";
import { base64url, base64urlBytes } from "./percent.ts";
import type { Query } from "./query.ts";
import { recordText } from "./records.ts";

export const listParameters: readonly string[] = ["prefix", "limit", "cursor", "values", "consistency", "timeout"];

export interface Listing {
  readonly request: ListRequest;
  readonly timeoutMilliseconds: number;
}

export function readListing(parameters: Query): Listing {
  const prefix = checkPrefix(parameters.bytes("prefix") ?? emptyBytes);
  const request: ListRequest = {
    prefix,
    cursor: cursorOf(parameters.text("cursor"), prefix),
    limit: countOf("limit", parameters.text("limit"), listLimitMax) ?? listLimitDefault,
    withValues: flagOf("values", parameters.text("values")),
    mode: consistencyOf(parameters.text("consistency")),
  };
  return { request, timeoutMilliseconds: timeoutOf(parameters.text("timeout")) };
}

export function listingAnswer(given: ListAnswer, node: string): Answer {
  const keys = given.records.map((record) => recordText(record.key, record, record.value));
  const cursor = given.cursor === undefined ? "null" : `"${base64url(sealCursor(given.cursor))}"`;
  return {
    status: 200,
    headers: ["Content-Type", "application/json", "Trefoil-Consistency", given.consistency, "Trefoil-Node", node],
    body: `{"keys":[${keys.join(",")}],"cursor":${cursor}}\n`,
  };
}

function cursorOf(text: string | undefined, prefix: Uint8Array): Uint8Array | undefined {
  if (text === undefined) return undefined;
  return openCursor(base64urlBytes(text) ?? emptyBytes, prefix);
}
