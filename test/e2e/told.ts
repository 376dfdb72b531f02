// From what a node answered over HTTP to what the checkers of histories understand.

import type { IncomingHttpHeaders } from "node:http";
import { logIndex, term } from "../../internal/base/ids.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { Saw, Written } from "../sim/history.ts";
import type { Exchange } from "./http-client.ts";

export type WriteTold =
  | { readonly kind: "told"; readonly told: Written }
  /** It had no effect; `why` is the code of the refusal. */
  | { readonly kind: "void"; readonly why: string }
  | { readonly kind: "unknown"; readonly why: string };

export type ReadTold =
  | { readonly kind: "told"; readonly told: Saw }
  | { readonly kind: "refused"; readonly why: string };

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly outcome: string;
}

/** `ttl`: what the write asked for, in milliseconds. */
export function toldOfWrite(exchange: Exchange, ttl: number | undefined): WriteTold {
  switch (exchange.kind) {
    case "not_sent":
      return { kind: "void", why: "nobody listened" };
    case "broken_off":
      return { kind: "unknown", why: exchange.why };
    case "silent":
      return { kind: "unknown", why: "no answer" };
    case "answered":
      break;
  }
  const { status, headers } = exchange;
  if (status >= 200 && status < 300) {
    const expiresAt = expiryOf(headers);
    const at = expiresAt === undefined || ttl === undefined ? undefined : expiresAt - ttl;
    return { kind: "told", told: { kind: "done", version: versionOf(headers), at, values: [] } };
  }
  const { code, detail, outcome } = problemOf(exchange);
  if (status === 412) {
    const present = headers.etag === undefined ? undefined : versionOf(headers);
    return { kind: "told", told: { kind: "refused", why: "condition", step: 0, present } };
  }
  if (status < 500 && status !== 429) throw new Error(`${status} ${code}: ${detail}`);
  return outcome === "not_applied" ? { kind: "void", why: code } : { kind: "unknown", why: code };
}

export function toldOfRead(exchange: Exchange): ReadTold {
  if (exchange.kind !== "answered") {
    return { kind: "refused", why: exchange.kind === "broken_off" ? exchange.why : exchange.kind };
  }
  const { status, headers, body } = exchange;
  if (status === 200) {
    const told: Saw = { kind: "saw", value: body, version: versionOf(headers), expiresAt: expiryOf(headers) };
    return { kind: "told", told };
  }
  const { code, detail } = problemOf(exchange);
  if (code === "not_found") {
    return { kind: "told", told: { kind: "saw", value: undefined, version: undefined, expiresAt: undefined } };
  }
  if (status < 500 && status !== 429) throw new Error(`${status} ${code}: ${detail}`);
  return { kind: "refused", why: code };
}

function problemOf({ body, status }: Extract<Exchange, { kind: "answered" }>): Problem {
  const problem = JSON.parse(body) as Partial<Problem>;
  const { code, detail, outcome } = problem;
  if (code === undefined || detail === undefined || outcome === undefined) {
    throw new Error(`${status} without a problem document: ${body}`);
  }
  return { code, detail, outcome };
}

function versionOf(headers: IncomingHttpHeaders): Version {
  const version = /^"(\d+\.\d+)"$/.exec(headers.etag ?? "")?.[1];
  if (version === undefined) throw new Error(`no version in the ETag ${headers.etag}`);
  return parse(version);
}

function parse(text: string): Version {
  const [inTerm, index] = text.split(".");
  return { term: term(Number(inTerm)), index: logIndex(Number(index)) };
}

function expiryOf(headers: IncomingHttpHeaders): number | undefined {
  const said = headers["trefoil-expires-at"];
  return said === undefined ? undefined : Date.parse(String(said));
}
