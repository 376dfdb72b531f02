// What nobody should send: each is refused with its problem document, and nothing is stored.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { lastAnswer, HttpRig } from "../../test/http/rig.ts";
import type { Asking } from "../../test/http/rig.ts";

interface Case {
  readonly method?: string;
  readonly target: string;
  readonly asking?: Asking;
  readonly status?: number;
  readonly code: string;
  readonly words?: string;
}

let rig: HttpRig;
before(async () => {
  rig = await HttpRig.open({ valueBytesMax: 4096, headerBytesMax: 8192 });
});
after(async () => {
  await rig.close();
  assert.deepEqual(rig.unexpected, []);
});

async function refuses({
  method = "PUT",
  target,
  asking = { body: "x" },
  status = 400,
  code,
  words = "",
}: Case): Promise<void> {
  const told = await rig.ask(method, target, asking);
  const shown = `${method} ${target}: ${told.text}`;
  assert.equal(told.status, status, shown);
  assert.equal(told.headers["content-type"], "application/problem+json", shown);
  checkProblem(JSON.parse(told.text), status, code);
  assert.ok(told.text.includes(words), `${shown} does not say ${words}`);
  assert.equal(rig.coordinator.size, 0, `${shown} stored something`);
}

function checkProblem(body: unknown, status: number, code: string): void {
  const { title, detail, requestId, ...rest } = body as Record<string, unknown>;
  for (const text of [title, detail, requestId])
    assert.ok(typeof text === "string" && text !== "", JSON.stringify(body));
  const retryable = [408, 429, 503].includes(status);
  assert.deepEqual(rest, { type: `/-/docs#${code}`, status, code, retryable, outcome: "not_applied" });
}

function table(name: string, cases: readonly Case[]): void {
  test(name, async () => {
    for (const one of cases) await refuses(one);
  });
}

describe("refused, and nothing stored", () => {
  table(
    "malformed percent codes",
    ["/%", "/a%2", "/%zz", "/%2", "/a%g0b", "/%%20", "/-/kv/%", "/%0x"].map((target) => ({
      target,
      code: "bad_key",
      words: "%25",
    })),
  );

  table(
    "dot segments, written in any way",
    ["/.", "/..", "/a/./b", "/a/..", "/%2e", "/%2E%2e/x", "/a/.%2e/", "/-/kv/../x", "/./-/keys", "/-/../x"].map(
      (target) => ({
        target,
        ...(target.startsWith("/-/../") ? { status: 404, code: "not_found" } : { code: "bad_key", words: "kv64" }),
      }),
    ),
  );

  table("keys that are empty, too long, reserved or no base64url", [
    { target: "/", code: "bad_key", words: "empty" },
    { target: "/?ttl=5", code: "bad_key", words: "empty" },
    { target: "/-/kv/", code: "bad_key", words: "empty" },
    { target: "/-/kv64/", code: "bad_key", words: "empty" },
    { method: "DELETE", target: "/", code: "bad_key", words: "empty" },
    { target: `/${"k".repeat(1025)}`, code: "bad_key", words: "1025" },
    { target: "/%2d/keys", code: "bad_key", words: "/-/kv/" },
    { target: "/-%2Fkeys", code: "bad_key", words: "/-/kv/" },
    { target: "/-/kv64/a", code: "bad_key", words: "base64url" },
    { target: "/-/kv64/ab=", code: "bad_key", words: "base64url" },
    { target: "/-/kv64/a%62", code: "bad_key", words: "base64url" },
    { target: "/-/kv64/Lh", code: "bad_key", words: String.raw`of these bytes it is \"Lg\"` },
    { target: "/-/kv64/LS9ub3Rlcx", code: "bad_key", words: String.raw`of these bytes it is \"LS9ub3Rlcw\"` },
    { method: "GET", target: "/-/kv64/YWJ_YX", asking: {}, code: "bad_key", words: String.raw`it is \"YWJ_YQ\"` },
    { method: "DELETE", target: "/-/kv64/YWJ", code: "bad_key", words: String.raw`it is \"YWI\"` },
    { method: "GET", target: "/-/explain64/Lh", asking: {}, code: "bad_key", words: String.raw`it is \"Lg\"` },
    { target: String.raw`/a\b`, code: "bad_key", words: "%5C" },
    { target: "/a#b", code: "bad_request", words: "%23" },
  ]);

  table(
    "times to live of every wrong kind",
    [
      "0",
      "-1",
      "",
      "1.5",
      "1e3",
      "soon",
      "5 s",
      "%205",
      "5S",
      "0ms",
      "ms",
      "5y",
      "+5",
      "0x10",
      "NaN",
      "Infinity",
      "36526d",
      "876601h",
      "999999999999999d",
      "9".repeat(40),
      "keep2",
      "KEEP",
      "٣",
    ].map((ttl) => ({ target: `/k?ttl=${encodeURIComponent(decodeURIComponent(ttl))}`, code: "bad_ttl" })),
  );

  table("consistencies and timeouts that there are not", [
    ...["", "Fast", "eventual", "session", "bounded", "fast,strong"].map((mode) => ({
      target: `/k?consistency=${mode}`,
      code: "bad_consistency",
      words: "fast or strong",
    })),
    { method: "GET", target: "/k?consistency=quorum", asking: {}, code: "bad_consistency" },
    { method: "GET", target: "/-/keys?consistency=quorum", asking: {}, code: "bad_consistency" },
    ...["0", "61", "61s", "2m", "-1", "", "x"].map((timeout) => ({
      target: `/k?timeout=${timeout}`,
      code: "bad_request",
      words: "timeout",
    })),
  ]);

  table("parameters that a route does not know, or knows once", [
    { target: "/k?tll=5", code: "bad_request", words: `nearest is \\"ttl\\"` },
    { target: "/k?consitency=fast", code: "bad_request", words: `nearest is \\"consistency\\"` },
    { target: "/k?TTL=5", code: "bad_request", words: `nearest is \\"ttl\\"` },
    { target: "/k?__proto__=5", code: "bad_request", words: "__proto__" },
    { target: "/k?constructor=5", code: "bad_request", words: "constructor" },
    { target: "/k?=5", code: "bad_request" },
    { method: "GET", target: "/k?ttl=5", asking: {}, code: "bad_request", words: "consistency, timeout" },
    { method: "DELETE", target: "/k?raw=1", asking: {}, code: "bad_request" },
    { target: "/k?ttl=5&ttl=6", code: "bad_request", words: "twice" },
    { target: "/k?ttl=5&%74tl=6", code: "bad_request", words: "twice" },
    { target: "/k?ttl=%zz", code: "bad_request", words: "%25" },
    { target: "/k?ttl=%ff", code: "bad_request", words: "UTF-8" },
    { target: "/k?raw=yes", code: "bad_request", words: "raw" },
    { method: "GET", target: "/?x=1", asking: {}, code: "bad_request" },
    { method: "GET", target: "/-/cluster?limit=1", asking: {}, code: "bad_request", words: `nearest is \\"timeout\\"` },
    { method: "GET", target: "/-/keys?limits=1", asking: {}, code: "bad_request", words: `nearest is \\"limit\\"` },
    ...["0", "-1", "10001", "1e3", "", "9999999999"].map((limit) => ({
      method: "GET",
      target: `/-/keys?limit=${limit}`,
      asking: {},
      code: "bad_request",
      words: "limit",
    })),
    { method: "GET", target: "/-/keys?cursor=", asking: {}, code: "bad_request", words: "cursor" },
    { method: "GET", target: `/-/keys?cursor=${"A".repeat(1368)}`, asking: {}, code: "bad_request", words: "cursor" },
    { method: "GET", target: "/-/keys?cursor=dXNlcjox", asking: {}, code: "bad_request", words: "no page has given" },
    { method: "GET", target: "/-/keys?cursor=a*", asking: {}, code: "bad_request", words: "cursor" },
    { method: "GET", target: `/-/keys?prefix=${"p".repeat(1025)}`, asking: {}, code: "bad_key" },
  ]);

  table("methods and routes that there are not", [
    ...["POST", "PATCH", "OPTIONS", "TRACE"].map((method) => ({
      method,
      target: "/k",
      asking: {},
      status: 405,
      code: "method_not_allowed",
    })),
    { method: "PUT", target: "/-/keys", status: 405, code: "method_not_allowed", words: "GET, HEAD" },
    { target: "/-/kvs/a", status: 404, code: "not_found", words: "nearest is /-/kv/<key>" },
    { target: "/-/kv", status: 404, code: "not_found" },
    { target: "/-/clutser", status: 404, code: "not_found", words: "nearest is /-/cluster" },
    { method: "GET", target: "/-/health", asking: {}, status: 404, code: "not_found", words: "on the admin listener" },
    ...["/-/foo", "/-/", "/-/health", "/-/admin/x", "/-/o"].map((target) => ({
      method: "GET",
      target,
      asking: {},
      status: 404,
      code: "not_found",
      words: String.raw`there is no route \"${target}\"; there are /<key>, `,
    })),
    ...["livez", "readyz", "metrics"].map((name) => ({
      method: "GET",
      target: `/-/${name}`,
      asking: {},
      status: 404,
      code: "not_found",
      words: String.raw`there is no route \"/-/${name}\"; /${name} is on the admin listener (--admin); here are /<key>, `,
    })),
    { method: "GET", target: "/-/", asking: {}, status: 404, code: "not_found" },
    { method: "GET", target: "/-/keys/", asking: {}, status: 404, code: "not_found" },
    { method: "GET", target: "/-/explain", asking: {}, status: 404, code: "not_found" },
    { method: "GET", target: "/-/explain/", asking: {}, code: "bad_key", words: "empty" },
  ]);

  table("headers that would be misunderstood", [
    {
      target: "/k",
      asking: { body: "x", headers: { "Content-Encoding": "gzip" } },
      code: "bad_request",
      words: "Content-Encoding",
    },
    {
      target: "/k",
      asking: { body: "x", headers: { "Content-Range": "bytes 0-0/9" } },
      code: "bad_request",
      words: "Content-Range",
    },
    {
      target: "/k",
      asking: { body: "x", headers: { "Content-Type": "a".repeat(256) } },
      code: "bad_request",
      words: "255",
    },
    { target: "/k", asking: { body: "x", headers: { "Content-Type": "a/\xe9" } }, code: "bad_request", words: "ASCII" },
    {
      target: "/k",
      asking: { body: "x", headers: { "Content-Type": `,,${'"\\'.repeat(2000)}` } },
      code: "bad_request",
      words: "255",
    },
    {
      target: "/k",
      asking: { body: "x", headers: { Expect: "a miracle" } },
      code: "bad_request",
      words: "100-continue",
    },
    { target: "/k", asking: { body: "x", headers: { Host: "a b" } }, code: "bad_request", words: "Host" },
    {
      target: "/k",
      asking: { headers: { "Content-Type": "text/plain, text/html" } },
      code: "bad_request",
      words: "Content-Type",
    },
  ]);

  test("bodies in another transfer coding than chunked, and headers that are there twice", async () => {
    const cases = [
      ["Transfer-Encoding: gzip, chunked", "chunked alone"],
      ["Transfer-Encoding: identity, chunked", "chunked alone"],
      ["Transfer-Encoding: chunked\r\nContent-Type: a/b\r\nContent-Type: c/d", "a Content-Type"],
      ["Transfer-Encoding: chunked\r\nHost: b", "Host"],
    ] as const;
    for (const [lines, words] of cases) {
      const { status, body } = lastAnswer(
        await rig.say(`PUT /k HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n\r\n1\r\nx\r\n0\r\n\r\n`),
      );
      assert.equal(status, 400, `${lines}: ${body}`);
      checkProblem(JSON.parse(body), 400, "bad_request");
      assert.ok(body.includes(words), `${body} does not say ${words}`);
      assert.equal(rig.coordinator.size, 0, lines);
    }
  });

  test("a condition counts behind however many other headers", async () => {
    const roomy = await HttpRig.open({ headerBytesMax: 16 * 1024 });
    const others = Array.from({ length: 1500 }, (_, at) => `x${at}: a\r\n`).join("");
    const put = (condition: string): Promise<string> =>
      roomy.say(`PUT /lock HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n${condition}\r\n\r\nx`);
    const statuses: number[] = [];
    for (const lines of ["If-None-Match: *", `If-None-Match: *\r\n${others}y: b`, `${others}If-None-Match: *`]) {
      statuses.push(lastAnswer(await put(lines)).status);
    }
    await roomy.close();
    assert.deepEqual(statuses, [201, 412, 412]);
    assert.equal(roomy.coordinator.writes, 1);
  });

  test("what is no HTTP", async () => {
    const cases = [
      ["hello\r\n\r\n", 400, "bad_request"],
      ["GET / HTTP/9.9\r\n\r\n", 400, "bad_request"],
      ["PUT /k HTTP/1.1\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx", 400, "bad_request"],
      ["PUT /k x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 400, "bad_request"],
      ["PUT /k\xe9 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", 400, "bad_request"],
      ["PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400, "bad_request"],
      ["PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx", 400, "bad_request"],
      ["PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx", 400, "bad_request"],
      ["PUT /k HTTP/1.1\r\nHost: a\r\nX: a\r\rb\r\nContent-Length: 1\r\n\r\nx", 400, "bad_request"],
      ["PUT /k HTTP/1.1\r\nHost: a\r\nContent-Type: a\0b\r\nContent-Length: 1\r\n\r\nx", 400, "bad_request"],
      ["PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n", 400, "bad_request"],
      [`PUT /k HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(9000)}\r\nContent-Length: 1\r\n\r\nx`, 431, "headers_too_large"],
      [`PUT /${"k".repeat(9000)} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx`, 431, "headers_too_large"],
      ["CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405, "method_not_allowed"],
    ] as const;
    for (const [bytes, status, code] of cases) {
      const wire = await rig.wire();
      wire.send(Buffer.from(bytes, "latin1"));
      const { status: found, head, body } = lastAnswer(await wire.rest());
      assert.equal(found, status, `${bytes.slice(0, 60)}: ${body}`);
      assert.match(head, /^Connection: close$/im);
      checkProblem(JSON.parse(body), status, code);
      assert.equal(rig.coordinator.size, 0, bytes);
    }
  });

  test("what is no HTTP, however much of it comes: its sender is told once, and not cut off while it speaks", async () => {
    const patient = await HttpRig.open({ lingerMilliseconds: 60_000 });
    const wire = await patient.wire();
    wire.send("hello\r\n\r\n");
    await wire.until("}\n");
    wire.send("hello\r\n\r\n");
    for (let count = 0; count < 3; count++) await patient.ask("GET", "/");
    while (patient.edge.listener.connectionCount > 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(patient.edge.listener.connectionCount, 1);
    assert.equal((await wire.rest()).match(/HTTP\/1\.1 400/g)?.length, 1);
    await patient.close();
  });

  test("a body whose sender goes before it is whole", async () => {
    const begun = [
      "PUT /k HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf",
      "PUT /k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
    ];
    for (const bytes of begun) {
      const wire = await rig.wire();
      wire.send(bytes);
      wire.socket.end();
      const { status, body } = lastAnswer(await wire.rest());
      assert.equal(status, 400, body);
      checkProblem(JSON.parse(body), 400, "bad_request");
    }
    const gone = await rig.wire();
    gone.send(begun[0] as string);
    const requests = rig.edge.listener;
    while (requests.requestsUnderWay === 0) await new Promise((resolve) => setImmediate(resolve));
    gone.socket.destroy();
    while (requests.requestsUnderWay > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(rig.coordinator.size, 0);
    assert.equal(requests.budget.bytesTaken, 0);
  });
});
