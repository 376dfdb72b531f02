// Headers of requests, and what single ones mean.

import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { checkContentType, requestIdBytesMax } from "../node/request-rules.ts";

/** As node:http gives them: names in lower case, a character for each byte. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

export const recordType = "application/vnd.trefoil+json";
export const formType = "application/x-www-form-urlencoded";

export function headerOf(headers: RequestHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value.trim() : value?.join(", ");
}

const nameOrNumber = /^[\w.~%-]*(?::\d*)?$/;
const bracketed = /^\[[\da-f:.]+\](?::\d*)?$/i;

/** What a Host header may say: a name or an address, and a port. Empty says that there is none. */
export function namesHost(text: string): boolean {
  return nameOrNumber.test(text) || bracketed.test(text);
}

/** A retry under the same id is told what the first try was told. */
export function requestIdOf(headers: RequestHeaders): Uint8Array | undefined {
  const text = headerOf(headers, "idempotency-key");
  if (text === undefined) return undefined;
  if (/^[\x21-\x7e]+$/.test(text) && text.length <= requestIdBytesMax) return utf8(text);
  const detail = `an Idempotency-Key has 1 to ${requestIdBytesMax} printable ASCII characters without blanks`;
  throw new TrefoilError("bad_request", detail);
}

const quotedText = /"(?:[^"\\]|\\.)*"/g;

/** Empty: none was given. */
export function contentTypeOf(headers: RequestHeaders): string {
  // Its length first: what is looked for below takes long in long texts.
  const type = checkContentType(headerOf(headers, "content-type") ?? "");
  // Two that were sent stand here as a list.
  if (type.includes(",") && type.replaceAll(quotedText, "").includes(",")) {
    const detail = `a Content-Type names one media type, and is there once, not ${JSON.stringify(type.slice(0, 64))}`;
    throw new TrefoilError("bad_request", detail);
  }
  return type;
}

/** Without parameters, in lower case. */
export function mediaType(contentType: string): string {
  const mark = contentType.indexOf(";");
  return (mark < 0 ? contentType : contentType.slice(0, mark)).trim().toLowerCase();
}

/** Whether an `Accept` names the type itself. */
export function accepts(headers: RequestHeaders, type: string): boolean {
  const text = headerOf(headers, "accept");
  if (text === undefined || text === "*/*") return false;
  return text.split(",").some((part) => mediaType(part) === type && !/;\s*q=0(\.0*)?\s*(;|$)/i.test(part));
}

export function prefersMinimal(headers: RequestHeaders): boolean {
  const text = headerOf(headers, "prefer");
  return text !== undefined && /(^|[,;])\s*return\s*=\s*"?minimal"?\s*($|[,;])/i.test(text);
}

/** What would change the bytes of a body behind its reader's back, or is not all of it. */
export function refusePartialBodies(headers: RequestHeaders): void {
  const encoding = headerOf(headers, "content-encoding");
  if (encoding !== undefined && encoding !== "" && encoding.toLowerCase() !== "identity") {
    throw new TrefoilError(
      "bad_request",
      "a Content-Encoding would not be kept: leave it out, the bytes are stored as they come",
    );
  }
  const coding = headerOf(headers, "transfer-encoding");
  if (coding !== undefined && coding.toLowerCase() !== "chunked") {
    const detail = `of transfer codings this node knows chunked alone, not ${JSON.stringify(coding.slice(0, 64))}`;
    throw new TrefoilError("bad_request", detail);
  }
  if (headers["content-range"] !== undefined) {
    throw new TrefoilError("bad_request", "a PUT brings the whole value: leave Content-Range out");
  }
}
