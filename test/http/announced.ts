// Answers against an OpenAPI document: each has to be one of its operation, with its status, headers, content and body.

import assert from "node:assert/strict";
import type { Json } from "../../internal/http/openapi-parts.ts";
import { schemaFaults } from "./json-schema.ts";
import type { Told } from "./rig.ts";

export type Fields = Readonly<Record<string, Json>>;
export type Method = "get" | "head" | "put" | "delete";

/** Of HTTP itself. */
const commonHeaders = ["date", "connection", "keep-alive", "content-type", "content-length", "transfer-encoding"];

export class Announced {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Fields>>>>;
  /** What has come: `get /{key} 200`, with ` header` or ` type` or ` code` behind it. */
  readonly seen = new Set<string>();
  private readonly document: Json;

  /** `text`: of `/-/openapi.json`. */
  constructor(text: string) {
    this.document = JSON.parse(text) as Json;
    this.paths = (this.document as { readonly paths: Announced["paths"] }).paths;
  }

  follow(json: Json): Fields {
    const ref = (json as Fields)["$ref"];
    return (ref === undefined ? json : this.resolve(ref as string)) as Fields;
  }

  /** `path` as the document has it. */
  check(method: Method, path: string, told: Told): void {
    const name = `${method} ${path} ${told.status}`;
    const operation = this.paths[path]?.[method] as Fields;
    const announced = (operation["responses"] as Fields)[String(told.status)] as Fields | undefined;
    assert.ok(announced !== undefined, `${name} is not announced: ${told.text}`);
    this.seen.add(name);
    const headers = Object.entries((announced["headers"] ?? {}) as Fields);
    for (const [header, described] of headers) {
      const value = told.headers[header.toLowerCase()];
      const { required, schema } = this.follow(described);
      if (value === undefined) {
        assert.ok(required !== true, `${name} lacks ${header}`);
        continue;
      }
      this.seen.add(`${name} ${header}`);
      assert.deepEqual(this.faults(schema as Json, value), [], `${name} ${header}`);
    }
    const known = new Set([...commonHeaders, ...headers.map(([header]) => header.toLowerCase())]);
    for (const header of Object.keys(told.headers)) assert.ok(known.has(header), `${name}: nobody announced ${header}`);
    if (method !== "head") this.checkBody(name, announced, told);
  }

  private checkBody(name: string, announced: Fields, told: Told): void {
    const content = announced["content"] as Fields | undefined;
    if (content === undefined) {
      assert.equal(told.text, "", `${name} has a body`);
      return;
    }
    const type = (told.headers["content-type"] as string).split(";")[0] as string;
    const kind = type in content ? type : "*/*";
    assert.ok(kind in content, `${name}: nobody announced ${type}`);
    this.seen.add(`${name} ${kind}`);
    const { schema } = content[kind] as Fields;
    if (kind.endsWith("json")) {
      const body = JSON.parse(told.text) as { readonly code?: string };
      assert.deepEqual(this.faults(schema as Json, body as Json), [], `${name}: ${told.text}`);
      if (kind === "application/problem+json") this.seen.add(`${name} ${kind} ${body.code as string}`);
    } else if ((schema as Fields)["type"] === "string") {
      assert.ok(told.text.length > 0, name);
    }
  }

  private faults(schema: Json, value: Json): readonly string[] {
    return schemaFaults(schema, value, (ref) => this.resolve(ref));
  }

  private resolve(ref: string): Json {
    let found = this.document;
    for (const name of ref.slice(2).split("/")) found = (found as Fields)[name] as Json;
    assert.ok(found !== undefined, `${ref} leads nowhere`);
    return found;
  }
}
