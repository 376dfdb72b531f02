import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { errorCodes, TrefoilError } from "../base/errors.ts";
import type { ErrorCode, Outcome } from "../base/errors.ts";
import { HttpRig } from "../../test/http/rig.ts";
import { MemoryCoordinator } from "../../test/support/memory-coordinator.ts";
import type { ObservedOutcome, Operation } from "../node/observer.ts";

let rig: HttpRig;
const observed: (readonly [Operation, string | undefined, ObservedOutcome])[] = [];
before(async () => {
  rig = await HttpRig.open(
    {},
    {
      answered(operation, mode, outcome, milliseconds) {
        assert.ok(milliseconds >= 0);
        observed.push([operation, mode, outcome]);
      },
    },
  );
});
after(() => rig.close());

interface Page {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
  readonly cursor: string | null;
}

async function page(query: string): Promise<Page> {
  const told = await rig.ask("GET", `/-/keys${query}`);
  assert.equal(told.status, 200, told.text);
  assert.equal(told.headers["content-type"], "application/json");
  return JSON.parse(told.text) as Page;
}

describe("a listing", () => {
  before(async () => {
    for (const [target, body] of [
      ["/l/b", "2"],
      ["/l/a", "1"],
      ["/l/%ff", "\xff"],
      ["/m", "3"],
      ["/l/a%20b", "4"],
    ] as const) {
      await rig.ask("PUT", target, { body: Buffer.from(body, "latin1") });
    }
    await rig.ask("PUT", "/l/gone?ttl=5", { body: "x" });
    rig.coordinator.wallMilliseconds += 5000;
  });

  test("lists what is there, in the order of bytes, keys that are no text in base64url", async () => {
    const { keys, cursor } = await page("?prefix=l/");
    const names = keys.map(({ key, key64 }) => key ?? { key64 });
    assert.deepEqual(names, ["l/a", "l/a b", "l/b", { key64: Buffer.from("l/\xff", "latin1").toString("base64url") }]);
    assert.equal(cursor, null);
    for (const { version, contentType, ...rest } of keys) {
      assert.match(version as string, /^7\.\d+$/);
      assert.equal(contentType, "application/octet-stream", "as a GET says of what came without a type");
      assert.ok(!("value" in rest) && !("value64" in rest));
    }
  });

  test("takes a prefix of any bytes, with blanks in either spelling", async () => {
    assert.equal((await page("?prefix=l%2F%ff")).keys.length, 1);
    assert.equal((await page("?prefix=l/a%20")).keys.length, 1);
    assert.equal((await page("?prefix=l/a+")).keys.length, 1);
    assert.equal((await page("?prefix=l/a%2b")).keys.length, 0);
    assert.equal((await page("")).keys.length, 5);
  });

  test("goes on page by page, with values", async () => {
    const values: unknown[] = [];
    let query = "?prefix=l/&limit=3&values=1&consistency=strong";
    for (let pages = 1; ; pages++) {
      const { keys, cursor } = await page(query);
      values.push(...keys.map(({ value, value64 }) => value ?? { value64 }));
      if (cursor === null) {
        assert.equal(pages, 2);
        break;
      }
      query = `?prefix=l/&limit=3&values=1&cursor=${cursor}`;
    }
    assert.deepEqual(values, ["1", "4", "2", { value64: "_w" }]);
  });

  test("goes on within the prefix that it began with, and under no other one", async () => {
    const { cursor } = await page("?prefix=l/&limit=3");
    for (const prefix of ["k/", "l/a+"]) {
      const told = await rig.ask("GET", `/-/keys?prefix=${prefix}&cursor=${cursor}`);
      assert.equal(told.status, 400, told.text);
      assert.match(told.text, /this cursor is of a listing under another prefix; give the prefix of the page before/);
    }
  });

  test("says what was delivered, and by whom", async () => {
    const { headers } = await rig.ask("GET", "/-/keys?consistency=strong");
    assert.deepEqual([headers["trefoil-consistency"], headers["trefoil-node"]], ["strong", "n1"]);
    const head = await rig.ask("HEAD", "/-/keys");
    assert.deepEqual([head.status, head.text, head.headers["trefoil-consistency"]], [200, "", "fast"]);
  });
});

describe("views", () => {
  test("explain tells of a key, whatever its bytes", async () => {
    await rig.ask("PUT", "/x?ttl=60", { body: "1" });
    const there = JSON.parse((await rig.ask("GET", "/-/explain/x?timeout=1s")).text) as Record<string, unknown>;
    assert.deepEqual([there["key"], there["slot"], there["ttlMilliseconds"]], ["x", 5061, 60_000]);
    assert.match((there["record"] as { version: string }).version, /^7\.\d+$/);
    const text = (await rig.ask("GET", "/-/explain64/_w")).text;
    const absent = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual([absent["key64"], absent["record"], absent["ttlMilliseconds"]], ["_w", null, null]);
    assert.ok(
      text.includes(`{"replica":3,"node":"n3","role":null,"appliedIndex":null,"lag":null,"joining":false}`),
      text,
    );
    rig.coordinator.unexplained = { kind: "unknown", code: "no_leader", detail: "nobody is there" };
    const unknown = JSON.parse((await rig.ask("GET", "/-/explain/x")).text) as Record<string, unknown>;
    assert.deepEqual(unknown["record"], { unknown: "no_leader", detail: "nobody is there" });
    rig.coordinator.unexplained = undefined;
  });

  test("cluster tells of nodes and groups", async () => {
    const told = await rig.ask("GET", "/-/cluster");
    const view = JSON.parse(told.text) as {
      readonly nodes: readonly Record<string, unknown>[];
      readonly troubles: unknown;
    };
    assert.deepEqual(view.troubles, ["n3 is unreachable"]);
    assert.equal(view.nodes[0]?.["roundTripMicroseconds"], null);
    assert.equal(told.headers["trefoil-node"], "n1");
  });

  test("the help page tells to ask where it was asked", async () => {
    const [plain, page, nowhere] = [
      (await rig.ask("GET", "/")).text,
      (await rig.ask("GET", "/", { headers: { Accept: "text/html" } })).text,
      await rig.say("GET / HTTP/1.0\r\n\r\n"),
    ];
    for (const text of [plain, page]) assert.match(text, new RegExp(`curl 127\\.0\\.0\\.1:${rig.port}/hello`));
    assert.match(nowhere, /curl localhost:8080\/hello/);
  });

  test("the help page promises what the node is set to", async () => {
    const lines: string[] = [];
    for (const [read, write] of [
      ["fast", "strong"],
      ["strong", "fast"],
    ] as const) {
      const set = Object.assign(new MemoryCoordinator(), { defaultRead: read, defaultWrite: write });
      const other = await HttpRig.open({}, undefined, set);
      const plain = (await other.ask("GET", "/")).text.split("\n").find((line) => line.startsWith("A write")) ?? "";
      const page = (await other.ask("GET", "/", { headers: { Accept: "text/html" } })).text;
      assert.ok(page.includes(plain), page);
      lines.push(plain);
      await other.close();
    }
    assert.deepEqual(lines, [
      "A write is answered when a majority of its group has it, a read shows what the nearest replica has:",
      "A write is answered when the leader of its group has it, a read sees all that was answered strongly before:",
    ]);
  });

  test("the help page helps, plainly or for browsers; the documentation knows every code and loads nothing", async () => {
    assert.match((await rig.ask("GET", "/")).text, /^Trefoil: [^<]*curl -X PUT/);
    const help = await rig.ask("GET", "/", { headers: { Accept: "text/html,*/*;q=0.8" } });
    const docs = await rig.ask("GET", "/-/docs");
    for (const { text, headers } of [help, docs]) {
      assert.equal(headers["content-type"], "text/html; charset=utf-8");
      assert.doesNotMatch(text, /<script|<link|<img|src=|https?:|@import|url\(/);
    }
    for (const code of Object.keys(errorCodes)) assert.ok(docs.text.includes(`id="${code}"`), code);
    for (const [, link] of help.text.matchAll(/href="([^"]+)"/g)) {
      assert.equal((await rig.ask("GET", link as string)).status, 200, link);
    }
  });
});

describe("failures of the coordinator", () => {
  test("come as the table of codes says, with their outcome", async () => {
    const outcomes: readonly Outcome[] = ["not_applied", "applied", "unknown"];
    for (const [at, code] of (Object.keys(errorCodes) as ErrorCode[]).entries()) {
      const outcome = outcomes[at % 3] as Outcome;
      const { httpStatus, retryable } = errorCodes[code];
      for (const [method, target] of [
        ["GET", "/k"],
        ["PUT", "/k"],
        ["DELETE", "/k"],
        ["GET", "/-/keys"],
        ["GET", "/-/cluster"],
        ["GET", "/-/explain/k"],
      ] as const) {
        rig.coordinator.failure = new TrefoilError(code, `because of ${code} <"`, { outcome });
        const told = await rig.ask(method, target, method === "PUT" ? { body: "x" } : {});
        assert.equal(told.status, httpStatus);
        const { title, requestId, ...rest } = JSON.parse(told.text) as Record<string, unknown>;
        assert.ok(title !== "" && requestId !== "");
        const detail = `because of ${code} <"`;
        assert.deepEqual(rest, { type: `/-/docs#${code}`, status: httpStatus, detail, code, retryable, outcome });
        const waits = httpStatus === 429 || httpStatus === 503;
        assert.equal(told.headers["retry-after"], waits ? "1" : undefined);
      }
    }
    assert.deepEqual(rig.unexpected, []);
  });

  test("that are faults of ours are told to the node, not to the client", async () => {
    rig.coordinator.failure = new Error("the secret of the pyramids");
    const told = await rig.ask("PUT", "/k", { body: "x" });
    const { code, outcome, requestId } = JSON.parse(told.text) as Record<string, unknown>;
    assert.deepEqual([told.status, code, outcome], [500, "internal", "unknown"]);
    assert.ok(!told.text.includes("pyramids"));
    assert.ok(told.text.includes(`tells more under ${requestId as string}`));
    assert.deepEqual(rig.unexpected.splice(0), [new Error("the secret of the pyramids")]);
    rig.coordinator.place(new TextEncoder().encode("k"), new Uint8Array(1), "");
    Object.assign(rig.coordinator, { node: "n\r\n1" });
    const split = await rig.ask("GET", "/-/cluster");
    Object.assign(rig.coordinator, { node: "n1" });
    assert.equal(split.status, 500);
    assert.equal(rig.unexpected.splice(0).length, 1);
  });
});

test("whoever counts requests is told of each", async () => {
  observed.length = 0;
  await rig.ask("PUT", "/o?consistency=fast", { body: "1" });
  await rig.ask("PUT", "/o", { body: "1" });
  await rig.ask("GET", "/o");
  await rig.ask("HEAD", "/o?consistency=strong");
  await rig.ask("GET", "/o-not");
  await rig.ask("DELETE", "/o", { headers: { "If-Match": `"1.1"` } });
  await rig.ask("DELETE", "/o?consistency=wrong");
  await rig.ask("GET", "/-/keys");
  await rig.ask("GET", "/-/cluster");
  rig.coordinator.failure = new TrefoilError("no_quorum", "none");
  await rig.ask("PUT", "/o?consistency=strong", { body: "1" });
  rig.coordinator.failure = new TrefoilError("outcome_unknown", "perhaps", { outcome: "unknown" });
  await rig.ask("PUT", "/o?consistency=strong", { body: "1" });
  const wire = await rig.wire();
  wire.send("PUT /o HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf");
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  while (rig.edge.listener.budget.bytesTaken < 4) await turn();
  wire.socket.resetAndDestroy();
  while (rig.edge.listener.connectionCount > 0) await turn();
  await turn();
  assert.deepEqual(observed, [
    ["put", "fast", "ok"],
    ["put", "strong", "ok"],
    ["get", "fast", "ok"],
    ["get", "strong", "ok"],
    ["get", "fast", "not_found"],
    ["delete", undefined, "refused"],
    ["delete", undefined, "refused"],
    ["scan", "fast", "ok"],
    ["put", "strong", "failed"],
    ["put", "strong", "unknown"],
    ["put", undefined, "refused"],
  ]);
});

test("traces are handed on when they are traces", async () => {
  const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  await rig.ask("PUT", "/t", { body: "1", headers: { traceparent: trace } });
  assert.equal(rig.coordinator.lastCaller?.trace, trace);
  await rig.ask("PUT", "/t", { body: "1", headers: { traceparent: `${trace}, x` } });
  assert.equal(rig.coordinator.lastCaller?.trace, "");
});
