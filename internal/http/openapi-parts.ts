// The words of the OpenAPI document that more than one route uses: parameters, headers, schemas.

import { keyBytesMax, ttlBounds } from "../base/limits.ts";
import { errorCodes } from "../base/errors.ts";
import { listLimitMax } from "../node/requests.ts";
import { listLimitDefault } from "./limits.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

const text = { type: "string" };
const count = { type: "integer", minimum: 0 };
const maybe = (type: string): Json => ({ type: [type, "null"] });
const listOf = (items: Json): Json => ({ type: "array", items });
const schema = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

function object(properties: Readonly<Record<string, Json>>, optional: readonly string[] = []): Json {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, required, additionalProperties: false };
}

const versionSchema: Json = {
  type: "string",
  pattern: String.raw`^\d+\.\d+$`,
  description: "term.index of the log entry that wrote it",
};
const role = { type: ["string", "null"], enum: ["leader", "follower", "learner", null] };
const expiresAt = { type: ["string", "null"], format: "date-time" };

export const schemas: Readonly<Record<string, Json>> = {
  Problem: object({
    type: { type: "string", description: "where the code is explained, on the same node" },
    title: text,
    status: { type: "integer" },
    detail: { type: "string", description: "what happened, to what, and what to do" },
    code: { type: "string", enum: Object.keys(errorCodes) },
    retryable: { type: "boolean", description: "the same request may succeed later" },
    outcome: {
      type: "string",
      enum: ["not_applied", "applied", "unknown"],
      description: "whether the request took effect",
    },
    requestId: { type: "string", description: "names the request, in the node's log too if it is logged" },
  }),
  Written: object(
    {
      version: versionSchema,
      receipt: { type: "string", description: "group.term.index: names the write" },
      note: { type: "string", description: "why a body that may have been meant for an envelope was stored as it is" },
    },
    ["note"],
  ),
  Record: object(
    {
      key: { type: "string", description: "the key, when it is UTF-8" },
      key64: { type: "string", description: "the key in base64url, when it is not" },
      value: { description: "a text; of a value of type application/json, the JSON itself" },
      value64: {
        type: "string",
        description: "the value in base64url, when it is no UTF-8, or of type application/json and no JSON",
      },
      version: versionSchema,
      expiresAt,
      contentType: { type: "string", description: "as GET tells it: application/octet-stream when none was given" },
    },
    ["key", "key64", "value", "value64"],
  ),
  Envelope: object(
    {
      value: { description: "a text is stored as text/plain, anything else as application/json" },
      ttl: { type: ["integer", "string"], description: "whole seconds, or a text as the parameter ttl takes it" },
    },
    ["ttl"],
  ),
  Listing: object({
    keys: listOf(schema("Record")),
    cursor: { type: ["string", "null"], description: "for the next page; null: that was all" },
  }),
  Group: object({
    group: count,
    slots: count,
    term: maybe("integer"),
    leader: maybe("string"),
    commitIndex: maybe("integer"),
    replicas: listOf(
      object({
        replica: count,
        node: text,
        role,
        appliedIndex: maybe("integer"),
        lag: maybe("integer"),
        joining: { type: "boolean" },
      }),
    ),
  }),
  Cluster: object({
    cluster: text,
    epoch: count,
    format: count,
    answeredBy: text,
    nodes: listOf(
      object({
        node: text,
        zone: text,
        addresses: object({ peer: text, http: text, resp: text, grpc: text, admin: text }),
        state: { type: "string", enum: ["self", "connected", "unreachable"] },
        roundTripMicroseconds: maybe("number"),
      }),
    ),
    groups: listOf(schema("Group")),
    troubles: listOf(text),
  }),
  Explanation: object(
    {
      key: text,
      key64: text,
      slot: count,
      position: count,
      virtualNode: object({ group: count, number: count, position: count }),
      epoch: count,
      group: schema("Group"),
      ttlMilliseconds: maybe("number"),
      record: {
        oneOf: [
          object({ version: versionSchema, expiresAt, contentType: text }),
          object({ unknown: text, detail: text }),
          { type: "null" },
        ],
        description: "null: there is none; unknown: the code by which nobody could tell",
      },
      wouldDo: object({ fastRead: text, strongRead: text, fastWrite: text, strongWrite: text }),
    },
    ["key", "key64"],
  ),
};

export const headers: Readonly<Record<string, Json>> = {
  ETag: header("the version, in quotes", { type: "string", pattern: String.raw`^"\d+\.\d+"$` }),
  "Trefoil-Consistency": header("the mode that was really delivered", { type: "string", enum: ["fast", "strong"] }),
  "Trefoil-Node": header("who served it", text),
  "Trefoil-Group": header("the group of the key", { type: "string", pattern: String.raw`^\d+$` }),
  "Trefoil-Role": header("what the serving replica was", { type: "string", enum: ["leader", "follower", "learner"] }),
  "Trefoil-Staleness-Ms": header("how far behind it may be, at most; or unknown", {
    type: "string",
    pattern: String.raw`^(\d+|unknown)$`,
  }),
  "Trefoil-Expires-At": header("when it ends; not in an answer that is remembered of an earlier try", {
    type: "string",
    format: "date-time",
  }),
  "Trefoil-Acks": header("copies when it was answered, of how many", {
    type: "string",
    pattern: String.raw`^\d+/\d+$`,
  }),
  "Trefoil-Durability": header("whether those copies are on disk", { type: "string", enum: ["synced", "buffered"] }),
  "Trefoil-Receipt": header("group.term.index: names the write", {
    type: "string",
    pattern: String.raw`^\d+\.\d+\.\d+$`,
  }),
  "Trefoil-Envelope": header("the body was an envelope, and its value was stored", { const: "unwrapped" }),
  "Preference-Applied": header("what Prefer asked for", { const: "return=minimal" }),
  "Content-Range": header("which part, of how much", { type: "string", pattern: "^bytes " }),
  "Content-Security-Policy": header("of values that a browser would run", { const: "sandbox" }),
  "X-Content-Type-Options": header("of values that a browser would run", { const: "nosniff" }),
  Vary: header("the record has another form", { const: "Accept" }),
  Allow: header("the methods of the path", text),
  "Retry-After": header("seconds", { type: "string", pattern: String.raw`^\d+$` }),
};

function header(description: string, headerSchema: Json): Json {
  return { description, schema: headerSchema };
}

const duration = String.raw`^\d+(ms|s|m|h|d)?$`;

export const parameters: Readonly<Record<string, Json>> = {
  key: pathParameter("key", `1 to ${keyBytesMax} bytes, percent-encoded; slashes may stand as they are`),
  key64: pathParameter("key64", "the key in base64url, without padding"),
  consistency: queryParameter("consistency", "what the node is set to, when left out", {
    type: "string",
    enum: ["fast", "strong"],
  }),
  timeout: queryParameter("timeout", "how long the request may take; 5 s when left out, at most 60 s", {
    type: "string",
    pattern: duration,
  }),
  ttl: queryParameter("ttl", `seconds, or a duration with a unit: ${ttlBounds}; keep leaves the present one`, {
    type: "string",
    pattern: String.raw`^(\d+(ms|s|m|h|d)?|keep)$`,
  }),
  raw: queryParameter("raw", "an envelope is stored as it is", { type: "string" }),
  prefix: queryParameter("prefix", "what keys begin with, percent-encoded", text),
  limit: queryParameter("limit", "keys of a page", {
    type: "integer",
    minimum: 1,
    maximum: listLimitMax,
    default: listLimitDefault,
  }),
  cursor: queryParameter("cursor", "of the page before", text),
  values: queryParameter("values", "with their values", { type: "string" }),
  ifMatch: headerParameter("If-Match", "the version that the key must have, or * for any"),
  ifNoneMatch: headerParameter(
    "If-None-Match",
    "of a write *, which creates only; of a read the version that is known",
  ),
  ifRange: headerParameter("If-Range", "the version that a Range is of"),
  range: headerParameter("Range", "one range of bytes"),
  accept: headerParameter("Accept", "application/vnd.trefoil+json: the record as JSON"),
  idempotencyKey: headerParameter("Idempotency-Key", "a retry under the same one is told what the first try was told"),
  prefer: headerParameter("Prefer", "return=minimal: no body"),
};

function pathParameter(name: string, description: string): Json {
  return { name, in: "path", required: true, description, schema: text };
}

function queryParameter(name: string, description: string, parameterSchema: Json): Json {
  return { name, in: "query", description, schema: parameterSchema };
}

function headerParameter(name: string, description: string): Json {
  return { name, in: "header", description, schema: text };
}
