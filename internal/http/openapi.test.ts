// The OpenAPI document against real answers. Each answer that comes must be one of its operation: status, headers, content, body.
// At the end, everything that the document announces must have come at least once: each status of each operation with each of
// its error codes, each header, each content type.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { utf8 } from "../base/bytes.ts";
import { errorCodes, TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { groupId, logIndex, nodeId, term } from "../base/ids.ts";
import { sealCursor } from "../node/cursors.ts";
import { GroupRefusal } from "../node/failure.ts";
import { Announced } from "../../test/http/announced.ts";
import type { Fields, Method } from "../../test/http/announced.ts";
import { HttpRig } from "../../test/http/rig.ts";
import type { Asking, Told } from "../../test/http/rig.ts";
import type { Json } from "./openapi-parts.ts";
import { base64url } from "./percent.ts";

let rig: HttpRig;
let announced: Announced;

const recordType = "application/vnd.trefoil+json";
/** One path of each kind, to put in place of the names in braces. */
const places: Readonly<Record<string, string>> = { key: "k%20/1", key64: Buffer.from("k /1").toString("base64url") };
/** That the edge comes to by itself: of any request, and of what it reads. */
const edgeCodes = ["bad_request", "bad_key", "busy", "headers_too_large", "slow_request", "stopping"];
const readCodes = ["not_found", "precondition_failed", "bad_range"];

before(async () => {
  rig = await HttpRig.open({ valueBytesMax: 1000 });
  announced = new Announced((await rig.ask("GET", "/-/openapi.json")).text);
});
after(() => rig.close());

const check = (method: Method, path: string, told: Told): void => announced.check(method, path, told);

function targetOf(path: string): string {
  return path.replace(/\{(\w+)\}/, (_all, name: string) => places[name] as string);
}

async function ask(method: Method, path: string, query = "", asking: Asking = {}): Promise<Told> {
  const told = await rig.ask(method.toUpperCase(), `${targetOf(path)}${query}`, asking);
  check(method, path, told);
  return told;
}

function operations(): readonly (readonly [Method, string, Fields])[] {
  return Object.entries(announced.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [method as Method, path, operation] as const),
  );
}

/** The codes that an operation announces, out of the descriptions of its answers. */
function codesOf(operation: Fields): readonly string[] {
  return Object.entries(operation["responses"] as Fields)
    .filter(([status]) => Number(status) >= 400)
    .flatMap(([, answer]) => [...((answer as Fields)["description"] as string).matchAll(/(?:^|; )(\w+): /g)])
    .map((match) => match[1] as string);
}

async function walkKeys(path: string): Promise<void> {
  await ask("put", path, "?consistency=fast&ttl=60&raw=0&timeout=5s", {
    body: "<svg>",
    headers: { "Content-Type": "image/svg+xml" },
  });
  rig.coordinator.durability = "buffered";
  const curl = { "Content-Type": "application/x-www-form-urlencoded" };
  for (const consistency of ["fast", "strong"]) {
    for (const method of ["get", "head"] as const) {
      const etag = (await ask("put", path, "?ttl=60", { body: "<svg>", headers: { "Content-Type": "image/svg+xml" } }))
        .headers["etag"] as string;
      await ask(method, path, `?consistency=${consistency}`);
      await ask(method, path, `?consistency=${consistency}`, { headers: { "If-None-Match": etag } });
      await ask(method, path, `?consistency=${consistency}`, { headers: { "If-Match": `"1.1"` } });
      await ask(method, path, `?consistency=${consistency}`, { headers: { Range: "bytes=0-0", "If-Range": etag } });
      await ask(method, path, `?consistency=${consistency}`, { headers: { Range: "bytes=9-" } });
      await ask(method, path, `?consistency=${consistency}`, { headers: { Accept: recordType } });
      await ask("delete", path);
      await ask(method, path, `?consistency=${consistency}`);
      await ask(method, path, "", { headers: { "If-Match": "*" } });
    }
  }
  const once = { "If-None-Match": "*" };
  await ask("put", path, "?ttl=9", { body: `{"value":1}`, headers: { ...once, ...curl } });
  await ask("put", path, "?ttl=9", { body: `{"value":1}`, headers: { Prefer: "return=minimal", ...curl } });
  await ask("put", path, "", { body: `{"value":1,"ttl":5}`, headers: curl });
  await ask("put", path, "?ttl=soon", { body: "1" });
  await ask("put", path, "", { body: "1".repeat(1001) });
  await ask("put", path, "?ttl=keep&consistency=fast", { body: "1" });
  await ask("put", path, "", { body: "1", headers: once });
  await ask("delete", path, "", { headers: { "If-Match": `"1.1"`, "Idempotency-Key": "a" } });
}

test("what comes is announced", async () => {
  for (const path of ["/{key}", "/-/kv/{key}", "/-/kv64/{key64}"]) await walkKeys(path);
  await rig.ask("PUT", "/%ff", { body: new Uint8Array([255]) });
  await ask("get", "/-/keys", "?limit=1&values=1");
  await ask("get", "/-/keys", "?prefix=%ff&values=true&consistency=strong&timeout=1s");
  await rig.ask("PUT", `${targetOf("/{key}")}?ttl=60`, { body: "1" });
  for (const path of Object.keys(announced.paths)) {
    if (!path.startsWith("/-/kv") && path !== "/{key}") {
      await ask("get", path);
      await ask("head", path);
    }
  }
  await ask("get", "/-/keys", `?prefix=${"p".repeat(1025)}`);
  await ask("get", "/", "", { headers: { Accept: "text/html" } });
});

/** As a coordinator fails: of whatever lies in a group, with all that it knows of the place. */
function failureAs(path: string, code: ErrorCode): TrefoilError {
  if (path === "/-/cluster" || code === "cursor_expired") return new TrefoilError(code, "because");
  const isDecided = code === "precondition_failed";
  return new GroupRefusal(
    { code, outcome: "not_applied", detail: "because" },
    {
      node: nodeId("n2"),
      group: groupId(3),
      decided: isDecided ? { role: "leader", consistency: "strong" } : undefined,
      version: { term: term(7), index: logIndex(41) },
    },
  );
}

test("failures of the coordinator are announced, each code of each operation", async () => {
  for (const [method, path, operation] of operations()) {
    for (const code of codesOf(operation)) {
      if (edgeCodes.includes(code) || (method !== "put" && method !== "delete" && readCodes.includes(code))) continue;
      rig.coordinator.failure = failureAs(path, code as ErrorCode);
      const told = await rig.ask(method.toUpperCase(), targetOf(path), method === "put" ? { body: "1" } : {});
      check(method, path, told);
    }
  }
});

test("whatever a coordinator may fail with is announced", async () => {
  const always: readonly ErrorCode[] = ["no_leader", "no_quorum", "starting", "stopping", "stale_map"];
  const anything: readonly ErrorCode[] = [
    ...always,
    "bad_request",
    "busy",
    "deadline_exceeded",
    "internal",
    "corruption",
  ];
  const ofWrites: readonly ErrorCode[] = ["outcome_unknown", "storage_full", "precondition_failed"];
  for (const [method, path] of operations()) {
    if (["/", "/-/docs", "/-/openapi.json"].includes(path)) continue;
    const isWrite = method === "put" || method === "delete";
    const more: readonly ErrorCode[] = isWrite ? ofWrites : path === "/-/keys" ? ["cursor_expired"] : [];
    for (const code of [...anything, ...more]) {
      rig.coordinator.failure = failureAs(path, code);
      await ask(method, path, "", method === "put" ? { body: "1" } : {});
    }
  }
});

test("failures of the request and of the node are announced", async () => {
  const busy = await HttpRig.open({ requestsMax: 0 });
  const slow = await HttpRig.open({ headersMilliseconds: 20, checkMilliseconds: 5 });
  const small = await HttpRig.open({ headerBytesMax: 4096 });
  for (const [method, path] of operations()) {
    await ask(method, path, "?nobody=knows", method === "put" ? { body: "1" } : {});
    if (path.includes("{key}")) {
      const told = await rig.ask(
        method.toUpperCase(),
        path.replace("{key}", "%zz"),
        method === "put" ? { body: "1" } : {},
      );
      check(method, path, told);
    }
    if (path.includes("{key64}"))
      check(method, path, await rig.ask(method.toUpperCase(), path.replace("{key64}", "*")));
    const told = await busy.ask(method.toUpperCase(), targetOf(path), method === "put" ? { body: "1" } : {});
    check(method, path, told);
    const line = `${method.toUpperCase()} ${targetOf(path)} HTTP/1.1\r\n`;
    check(method, path, parse(await slow.say(line)));
    check(method, path, parse(await small.say(`${line}X: ${"x".repeat(5000)}`)));
  }
  for (const one of [busy, slow, small]) await one.close();
});

test("a node that stops announces it, whatever it is asked", async () => {
  const stopping = await HttpRig.open();
  stopping.coordinator.hold();
  const asked = operations();
  const wires = await Promise.all(asked.map(() => stopping.wire()));
  // The second one waits behind the first.
  for (const [at, [method, path]] of asked.entries()) {
    const second = `${method.toUpperCase()} ${targetOf(path)} HTTP/1.1\r\nHost: a\r\n\r\n`;
    wires[at]?.send(`GET /k HTTP/1.1\r\nHost: a\r\n\r\n${second}`);
  }
  while (stopping.coordinator.waiting < asked.length) await new Promise((go) => setImmediate(go));
  const closing = stopping.close();
  stopping.coordinator.goOn();
  for (const [at, [method, path]] of asked.entries()) {
    const [, refused] = parseAll((await wires[at]?.rest()) ?? "", ["get", method]);
    check(method, path, refused as Told);
  }
  await closing;
});

test("methods that are not announced are refused, with those that are in Allow", async () => {
  for (const [path, methods] of Object.entries(announced.paths)) {
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS"]) {
      // Of the empty key, and of keys under their own names.
      if (method.toLowerCase() in methods || (path === "/" && ["PUT", "DELETE"].includes(method))) continue;
      const told = await rig.ask(method, targetOf(path));
      assert.equal(told.status, 405, `${method} ${path}`);
      const allowed = Object.keys(methods).map((name) => name.toUpperCase());
      assert.deepEqual(told.headers["allow"]?.split(", ").toSorted(), allowed.toSorted());
    }
  }
});

test("parameters that are announced are taken", async () => {
  const sense: Readonly<Record<string, string>> = {
    consistency: "strong",
    timeout: "1s",
    ttl: "5",
    raw: "1",
    prefix: "a",
    limit: "5",
    cursor: base64url(sealCursor(utf8("a"))),
    values: "1",
  };
  for (const [method, path, operation] of operations()) {
    const named = (operation["parameters"] as readonly Json[])
      .map((one) => announced.follow(one))
      .filter((one) => one["in"] === "query");
    const query = named.map(({ name }) => `${name as string}=${sense[name as string] as string}`).join("&");
    const told = await ask(method, path, query === "" ? "" : `?${query}`, method === "put" ? { body: "1" } : {});
    assert.ok(told.status < 300 || told.status === 404, told.text);
  }
});

test("what is announced has come", () => {
  const missing: string[] = [];
  const need = (what: string): void => void (announced.seen.has(what) || missing.push(what));
  for (const [method, path, operation] of operations()) {
    for (const [status, answer] of Object.entries(operation["responses"] as Fields)) {
      const name = `${method} ${path} ${status}`;
      need(name);
      const { headers = {}, content = {} } = answer as { readonly headers?: Fields; readonly content?: Fields };
      for (const header of Object.keys(headers)) need(`${name} ${header}`);
      for (const type of method === "head" ? [] : Object.keys(content)) need(`${name} ${type}`);
    }
    for (const code of method === "head" ? [] : codesOf(operation)) {
      need(`${method} ${path} ${errorCodes[code as ErrorCode].httpStatus} application/problem+json ${code}`);
    }
  }
  assert.deepEqual(missing, []);
});

/** An answer that came over a bare socket. */
function parse(text: string): Told {
  return parseAll(text, ["get"])[0] as Told;
}

/** Answers that came one behind the other. */
function parseAll(text: string, methods: readonly Method[]): readonly Told[] {
  let rest = text;
  return methods.map((method) => {
    const split = rest.indexOf("\r\n\r\n");
    const [first, ...lines] = rest.slice(0, split).split("\r\n") as [string, ...string[]];
    const headers = Object.fromEntries(lines.map((line) => line.split(": ", 2) as [string, string]));
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const length = method === "head" ? 0 : Number(lower["content-length"] ?? 0);
    const body = rest.slice(split + 4, split + 4 + length);
    rest = rest.slice(split + 4 + length);
    return { status: Number(first.slice(9, 12)), headers: lower, text: body, bytes: new Uint8Array(Buffer.from(body)) };
  });
}
