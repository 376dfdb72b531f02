// What the built command line makes of endpoints that refuse, hang, break off or are something else: whom it asks next, and what it
// tells. Nothing may be written twice.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { freePorts } from "../support/free-ports.ts";
import { Trefoil } from "./run-trefoil.ts";

type Answering = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

interface Stub {
  readonly address: string;
  /** Of every request that came. */
  readonly asked: string[];
  /** That came in all. */
  bodyBytes(): number;
}

const servers: Server[] = [];

after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** `expected` answers requests whose body waits until it is wanted. */
async function stub(answering: Answering, expected?: Answering): Promise<Stub> {
  const asked: string[] = [];
  let bytes = 0;
  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    incoming.on("data", (part: Buffer) => (bytes += part.length));
    answering(incoming, outgoing);
  });
  if (expected !== undefined) server.on("checkContinue", expected);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked, bodyBytes: () => bytes };
}

const writtenHeaders = {
  ETag: '"1.2"',
  "Trefoil-Acks": "2/3",
  "Trefoil-Durability": "synced",
  "Trefoil-Receipt": "1.1.2",
  "Trefoil-Group": "1",
  "Trefoil-Node": "n1",
  "Trefoil-Role": "leader",
  "Trefoil-Consistency": "strong",
};

const good: Answering = (_incoming, outgoing) => void outgoing.writeHead(200, writtenHeaders).end("hello");
const silent: Answering = () => undefined;
const breaking: Answering = (incoming) => void incoming.socket.destroy();

function refusing(status: number, code: string, outcome: string): Answering {
  const problem = { code, detail: "as a test\u001b[31m wants it", outcome, requestId: "x-1" };
  return (_incoming, outgoing) =>
    void outgoing.writeHead(status, { "Content-Type": "application/problem+json" }).end(JSON.stringify(problem));
}

const run = (stubs: readonly (Stub | string)[], ...words: readonly string[]) =>
  new Trefoil(stubs.map((each) => (typeof each === "string" ? each : each.address)).join(",")).run(words);

describe("trefoil with several endpoints", () => {
  it("goes on behind endpoints where nothing can have been done", async () => {
    const unheard = `127.0.0.1:${await freePorts(1)}`;
    const stopping = await stub(refusing(503, "stopping", "not_applied"));
    const busy = await stub(refusing(429, "busy", "not_applied"));
    const last = await stub(good);
    const put = await run([unheard, stopping, busy, last], "put", "k", "v");
    assert.deepEqual([put.code, put.errors], [0, ""]);
    assert.deepEqual(
      [stopping, busy, last].map(({ asked }) => asked.length),
      [1, 1, 1],
    );
    assert.match(last.asked[0] ?? "", /^PUT \/k\?raw=1&timeout=\d+ms$/);
  });

  it("finds admin listeners by a variable, too, and says that a token is not sent", async () => {
    const admin = await stub((_incoming, outgoing) => void outgoing.writeHead(200).end("alive\n"));
    const environment = { TREFOIL_ADMIN_ENDPOINT: admin.address, TREFOIL_TOKEN: "secret" };
    const { code, out, errors } = await new Trefoil("127.0.0.1:1", environment).run(["health", "-o", "raw"]);
    assert.deepEqual([code, out], [0, `\t${admin.address}\tyes\tyes\t\n`]);
    assert.equal(errors, "trefoil: TREFOIL_TOKEN is set and not sent: nodes of this version ask nobody who he is\n");
  });

  it("shows a node that has not said yet where it listens, as one of which nothing is known", async () => {
    const admin = await stub((_incoming, outgoing) => void outgoing.writeHead(200).end("alive\n"));
    const nodes = [
      { node: "n1", addresses: { admin: admin.address } },
      { node: "n2", addresses: { admin: "" } },
    ];
    const map = await stub((_incoming, outgoing) => void outgoing.writeHead(200).end(JSON.stringify({ nodes })));
    const { code, out, errors } = await run([map], "health", "-o", "raw");
    assert.deepEqual([code, errors], [5, ""]);
    assert.match(out, /^n1\t127.*\tyes\tyes\t\nn2\t-?\tno\tno\tit has not told the cluster yet where it listens\n$/);
  });

  it("says that nobody could tell whether a key is there, which is not that there is nothing", async () => {
    const body = JSON.stringify({
      slot: 1,
      position: 2,
      virtualNode: { group: 1, number: 3, position: 4 },
      epoch: 5,
      group: { group: 1, leader: null, replicas: [] },
      ttlMilliseconds: null,
      record: { unknown: "no_leader", detail: "nobody is there" },
      wouldDo: { fastRead: "a", strongRead: "b", fastWrite: "c", strongWrite: "d" },
    });
    const node = await stub((_incoming, outgoing) => void outgoing.writeHead(200).end(body));
    const told = await run([node], "explain", "k", "-o", "raw");
    assert.match(told.out, /^version\tcould not be read: no_leader: nobody is there$/m);
    assert.match(told.out, /^expires\t-?$/m);
    assert.equal(told.code, 5);
  });

  it("writes nothing a second time when nobody knows, unless the node can tell", async () => {
    const causes: [stub: Stub, says: RegExp][] = [
      [
        await stub(breaking),
        /the connection was closed without an answer\. Nobody knows whether the write took effect/,
      ],
      [await stub(silent), /no answer in \d+ ms\. Nobody knows/],
      [await stub(refusing(504, "outcome_unknown", "unknown")), /outcome_unknown: .*\. Nobody knows/],
      [await stub(refusing(500, "internal", "unknown")), /internal: .*\. Nobody knows/],
    ];
    const eachWay = causes.flatMap(([cause, says]) =>
      [
        ["put", "k", "v"],
        ["del", "k"],
      ].map(async (words) => {
        const next = await stub(good);
        // Only who never answers is worth no patience, however busy this machine is.
        const patience = String(says).includes("no answer") ? "300ms" : "60s";
        const { code, errors, out } = await run([cause, next], ...words, `--timeout=${patience}`);
        assert.match(errors, says);
        assert.deepEqual([code, out, next.asked], [7, "", []], words.join(" "));
      }),
    );
    await Promise.all(eachWay);
    const next = await stub(good);
    const [broken] = causes.map(([cause]) => cause);
    const again = await run([broken as Stub, next], "put", "k", "v", "--idempotency-key", "once");
    assert.deepEqual([again.code, next.asked.length], [0, 1]);
  });

  it("reads from the next when one breaks off, hangs or has no time", async () => {
    for (const answering of [breaking, silent, refusing(504, "deadline_exceeded", "not_applied")]) {
      const first = await stub(answering);
      const { code, out } = await run([first, await stub(good)], "get", "k", "--timeout=3s");
      assert.deepEqual([code, out, first.asked.length], [0, "hello", 1]);
    }
  });

  it("ends by its deadline, whatever endpoints do", async () => {
    // Long enough that a machine which stands still for a moment leaves some of it for the second one.
    const { code, errors } = await run([await stub(silent), await stub(silent)], "get", "k", "--timeout=4s");
    assert.equal(code, 5);
    assert.match(errors, /none of 2 endpoints could do it:\n.*: no \w+ in \d+ ms\n.*: no \w+ in \d+ ms\n/);
  });

  it("has an exit code for every refusal, and lets nothing move the cursor of a terminal", async () => {
    const codes: [status: number, code: string, exitCode: number][] = [
      [400, "bad_key", 2],
      [401, "unauthenticated", 6],
      [403, "forbidden", 6],
      [404, "not_found", 3],
      [409, "conflict", 1],
      [412, "precondition_failed", 4],
      [413, "too_large", 2],
      [500, "internal", 1],
      [503, "no_quorum", 5],
      [507, "storage_full", 5],
      [403, "of_a_newer_node", 6],
      [503, "of_a_newer_node", 5],
      [418, "of_a_newer_node", 1],
    ];
    const each = codes.map(async ([status, code, exitCode]) => {
      const ran = await run([await stub(refusing(status, code, "not_applied"))], "put", "k", "v");
      assert.equal(ran.code, exitCode, `${status} ${code}`);
      assert.match(
        ran.errors,
        new RegExp(`^trefoil: ${code}: as a test\\\\u001b\\[31m wants it \\(127.*request x-1\\)\n$`),
      );
    });
    await Promise.all(each);
  });

  it("keeps a large value until the node wants it, which may refuse it unread", async () => {
    const value = "x".repeat(100_000);
    const wanting = await stub(good);
    const fine = await new Trefoil(wanting.address).run(["put", "k", "-"], { input: value });
    assert.deepEqual([fine.code, wanting.bodyBytes()], [0, value.length]);
    const unwanting = await stub(good, refusing(413, "too_large", "not_applied"));
    const refused = await new Trefoil(unwanting.address).run(["put", "k", "-"], { input: value });
    assert.match(refused.errors, /^trefoil: too_large: /);
    assert.deepEqual([refused.code, unwanting.bodyBytes()], [2, 0]);
  });

  it("says when it talks to something else", async () => {
    const web = await stub((_incoming, outgoing) => {
      outgoing.writeHead(404, { "Content-Type": "text/html" }).end("<h1>Not Found</h1>");
    });
    const { code, errors } = await run([web], "get", "k");
    assert.equal(code, 1);
    assert.match(errors, /^trefoil: 127\.0\.0\.1:\d+ is no Trefoil: it answers 404, text\/html$/m);
  });

  it("knows the other ports of a node, and takes none of them for a node without the key", async () => {
    const problem = {
      code: "not_found",
      detail: 'there is no route "/k"; the nearest is /livez',
      outcome: "not_applied",
    };
    const admin = await stub((_incoming, outgoing) => {
      outgoing.writeHead(404, { "Content-Type": "application/problem+json" }).end(JSON.stringify(problem));
    });
    const routeless = await run([admin], "get", "k");
    assert.equal(routeless.code, 1);
    assert.match(
      routeless.errors,
      /there is no route "\/k".* Is it the admin port of a node\? --endpoint takes the HTTP port, 8080/,
    );
    // As HTTP/2 begins.
    const other = createTcpServer((socket) =>
      socket.on("error", () => undefined).end(Buffer.from([0, 0, 0, 4, 0, 0, 0])),
    );
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    for (const words of [
      ["get", "k"],
      ["put", "k", "v"],
    ]) {
      const { code, errors } = await run([address], ...words);
      assert.equal(code, 1, errors);
      assert.match(
        errors,
        /: it does not speak HTTP: is that the gRPC or the peer port of a node\? --endpoint takes the HTTP port/,
      );
    }
    other.close();
  });

  it("refuses a misspelt variable", async () => {
    const { code, errors } = await new Trefoil("127.0.0.1:1", { TREFOIL_ENDPOINTS: "x" }).run(["get", "k"]);
    assert.deepEqual(
      [code, errors],
      [2, "trefoil: bad_request: TREFOIL_ENDPOINTS is no variable; the nearest is TREFOIL_ENDPOINT\n"],
    );
  });
});
