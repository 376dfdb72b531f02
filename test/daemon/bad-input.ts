// Real nodes under what nobody should send, in one go: each gets its problem document, nothing of it is stored, and nothing that was there
// is lost. The whole of each class is in internal/http/bad-input.test.ts; here it passes through everything that a node is.

import assert from "node:assert/strict";
import { ask, lastAnswer, Wire } from "../http/rig.ts";
import type { Asking, Told } from "../http/rig.ts";
import type { NodeProcesses } from "./node-processes.ts";

const valueBytesMax = 1024 * 1024;
/** At each of three nodes. */
const slowConnections = 150;

type Refused = readonly [method: string, target: string, status: number, code: string, asking?: Asking];

const json = (text: string): Asking => ({ body: text, headers: { "Content-Type": "application/vnd.trefoil+json" } });

const refused: readonly Refused[] = [
  ["PUT", "/%zz", 400, "bad_key"],
  ["PUT", "/bad%2", 400, "bad_key"],
  ["PUT", "/bad/../x", 400, "bad_key"],
  ["PUT", "/bad/%2E%2e", 400, "bad_key"],
  ["PUT", "/", 400, "bad_key"],
  ["PUT", "/-/kv/", 400, "bad_key"],
  ["PUT", `/${"k".repeat(1025)}`, 400, "bad_key"],
  ...["0", "-1", "1.5", "soon", "", "1e3", "99999999999d", "keep2"].map((ttl): Refused => [
    "PUT",
    `/bad?ttl=${ttl}`,
    400,
    "bad_ttl",
  ]),
  ["PUT", "/bad?consistency=quorum", 400, "bad_consistency"],
  ["GET", "/bad?consistency=", 400, "bad_consistency"],
  ["PUT", "/bad?tll=5", 400, "bad_request"],
  ["PUT", "/bad?__proto__=5", 400, "bad_request"],
  ["PUT", "/bad?ttl=5&ttl=6", 400, "bad_request"],
  ["PUT", "/bad", 413, "too_large", { body: "x".repeat(valueBytesMax + 1) }],
  ["PUT", "/bad", 400, "bad_request", { body: "x", headers: { "Content-Encoding": "gzip" } }],
  ["PUT", "/bad", 400, "bad_request", { body: "x", headers: { "If-Match": "01.1" } }],
  ["PUT", "/bad", 400, "bad_request", json(`{"value":1,"__proto__":{"ttl":5}}`)],
  ["PUT", "/bad", 400, "bad_request", json(`{"value":1,"constructor":1}`)],
  ["POST", "/bad", 405, "method_not_allowed"],
];

/** What looks wrong and is a key, or a value. */
const taken: readonly (readonly [target: string, body: string])[] = [
  ["/__proto__", "a"],
  ["/constructor", "b"],
  ["/hasOwnProperty", "c"],
  ["/%00%ff", "d"],
  ["/line%0d%0aSet-Cookie:%20a=b", "e"],
];

export async function refuseBadInput(cluster: NodeProcesses): Promise<void> {
  const at = (number: number, method: string, target: string, asking?: Asking): Promise<Told> =>
    ask(cluster.port("http", (number % 3) + 1), method, target, asking);
  const keys = async (): Promise<string> => (await at(0, "GET", "/-/keys?consistency=strong&limit=1000")).text;
  for (const [number, [target, body]] of taken.entries()) {
    const told = await at(number, "PUT", `${target}?consistency=strong`, { body });
    assert.deepEqual([told.status, told.headers["set-cookie"]], [200, undefined], target);
  }
  const before = await keys();
  for (const [number, [method, target, status, code, asking = { body: "x" }]] of refused.entries()) {
    const told = await at(number, method, target, method === "GET" ? {} : asking);
    checkProblem(told.text, status, code, `${method} ${target.slice(0, 60)}`);
    assert.equal(told.status, status, told.text);
  }
  for (const number of [1, 2, 3]) await refuseOnTheWire(cluster.port("http", number));
  await serveBesideTheSlow(cluster);
  assert.equal(await keys(), before, "what was there is there, and nothing else");
  for (const [number, [target, body]] of taken.entries()) {
    assert.equal((await at(number + 1, "GET", `${target}?consistency=strong`)).text, body, target);
  }
}

/** What no client library would send. */
async function refuseOnTheWire(port: number): Promise<void> {
  const head = "PUT /bad HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
  const cases = [
    // Its body never comes: the length alone is too much.
    [`${head}Content-Length: ${valueBytesMax + 1}\r\n\r\n`, 413, "too_large"],
    [`${head}X: a\r\rb\r\nContent-Length: 1\r\n\r\nx`, 400, "bad_request"],
    [`${head}Content-Type: a\0b\r\nContent-Length: 1\r\n\r\nx`, 400, "bad_request"],
    [`${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx`, 400, "bad_request"],
    [`${head}Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n`, 400, "bad_request"],
    [`${head}X: ${"x".repeat(20_000)}\r\nContent-Length: 1\r\n\r\nx`, 431, "headers_too_large"],
    ["hello\r\n\r\n", 400, "bad_request"],
  ] as const;
  for (const [bytes, status, code] of cases) {
    const wire = await Wire.open(port);
    wire.send(Buffer.from(bytes, "latin1"));
    const told = lastAnswer(await wire.rest());
    checkProblem(told.body, status, code, bytes.slice(0, 80));
    assert.equal(told.status, status, told.body);
  }
  const half = await Wire.open(port);
  half.send(`${head}Content-Length: 10\r\n\r\nhalf`);
  half.socket.end();
  checkProblem(lastAnswer(await half.rest()).body, 400, "bad_request", "a body that breaks off");
}

/** Hundreds of connections that stop within their request, and everybody else is served. */
async function serveBesideTheSlow(cluster: NodeProcesses): Promise<void> {
  const begun = [
    "PUT /bad HTTP/1.1\r\nHost: a\r\nContent-Le",
    "PUT /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nslow",
  ];
  const ports = [1, 2, 3].map((number) => cluster.port("http", number));
  const slow = await Promise.all(
    ports.flatMap((port) => Array.from({ length: slowConnections }, () => Wire.open(port))),
  );
  for (const [at, wire] of slow.entries()) wire.send(begun[at % 2] as string);
  for (const port of ports) {
    const put = await ask(port, "PUT", "/beside?consistency=strong", { body: "a" });
    assert.equal(put.status, 200, put.text);
    assert.equal((await ask(port, "GET", "/beside?consistency=strong")).text, "a");
    assert.equal((await ask(port, "DELETE", "/beside")).status, 204);
  }
  for (const { socket } of slow) socket.destroy();
}

function checkProblem(text: string, status: number, code: string, of: string): void {
  const problem = JSON.parse(text) as Readonly<Record<string, unknown>>;
  assert.deepEqual(
    [problem["status"], problem["code"], problem["outcome"]],
    [status, code, "not_applied"],
    `${of}: ${text}`,
  );
}
