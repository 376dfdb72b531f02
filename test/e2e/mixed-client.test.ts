import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../internal/base/prng.ts";
import { History } from "../sim/history.ts";
import type { Asked, Exchange } from "./http-client.ts";
import { MixedClient } from "./mixed-client.ts";
import type { ClientCounts } from "./mixed-client.ts";
import { judgeTries } from "./tries.ts";
import type { Try } from "./tries.ts";

const problem = (code: string): string => JSON.stringify({ code, detail: "", outcome: "not_applied" });

function emptyNode({ method }: Asked): Exchange {
  const [status, code] = method === "GET" ? [404, "not_found"] : [503, "no_leader"];
  return { kind: "answered", status, headers: { etag: '"1.1"' }, body: problem(code) };
}

describe("a client of real processes", () => {
  it("waits for no node that stands still, and has in its history what that one says in the end", async () => {
    const history = new History();
    const counts: ClientCounts = { done: 0, refused: 0, unknown: 0, silent: 0, late: 0, why: new Map() };
    let isAsleep = false;
    let wakeUp = (): void => undefined;
    const slept = new Promise<void>((resolve) => {
      wakeUp = resolve;
    });
    const http = {
      async ask(request: Asked): Promise<Exchange> {
        if (isAsleep) {
          client.isStopped = true;
          wakeUp();
        } else if (request.method === "GET") {
          isAsleep = true;
          await slept;
        }
        return emptyNode(request);
      },
    };
    const ports = { peer: 1, http: 2, resp: 3, grpc: 4, admin: 5 };
    const place = { id: "n1", host: "127.0.0.1", folder: "", peerPort: 1, ports };
    const cluster = { places: [place], lifeOf: () => "n1/1", stoodStill: () => true };
    const random = new Prng(1);
    const told = { history, counts, served: new WeakMap(), tries: [] };
    const client = new MixedClient({ name: 1, cluster, http, ...told, random, patienceMilliseconds: 1 });
    await client.work(1);
    const read = history.entries.findIndex(({ done }) => done.kind === "read");
    const [slow, next] = history.entries.slice(read);
    assert.ok(slow !== undefined && next !== undefined);
    assert.equal(slow.told?.kind, "saw");
    assert.ok(slow.returnedAt > next.calledAt, "the next one was asked for meanwhile");
  });

  it("keeps what every try of a write was told, by whom and when, though it went on with another one", async () => {
    const history = new History();
    const counts: ClientCounts = { done: 0, refused: 0, unknown: 0, silent: 0, late: 0, why: new Map() };
    const tries: Try[] = [];
    const wrote = (version: string): Exchange => {
      return { kind: "answered", status: 200, headers: { etag: `"${version}"` }, body: "" };
    };
    /** The request that is made twice. */
    let key: string | undefined;
    let answerFirst = (_said: Exchange): void => undefined;
    const http = {
      ask(request: Asked): Promise<Exchange> {
        const asked = request.headers?.["idempotency-key"];
        if (asked === undefined || (key !== undefined && asked !== key)) return Promise.resolve(emptyNode(request));
        if (key === undefined) {
          key = asked;
          return new Promise((resolve) => (answerFirst = resolve));
        }
        client.isStopped = true;
        setImmediate(answerFirst, wrote("1.5"));
        return Promise.resolve(wrote("2.7"));
      },
    };
    const ports = { peer: 1, http: 2, resp: 3, grpc: 4, admin: 5 };
    const places = ["n1", "n2"].map((id) => ({ id, host: "127.0.0.1", folder: "", peerPort: 1, ports }));
    const cluster = { places, lifeOf: (id: string) => `${id}/1`, stoodStill: () => true };
    const told = { history, counts, served: new WeakMap(), tries };
    const client = new MixedClient({
      name: 1,
      cluster,
      http,
      ...told,
      random: new Prng(1),
      patienceMilliseconds: 1,
    });
    await client.work(1);
    const [kept, late] = tries;
    assert.ok(kept !== undefined && late !== undefined && tries.length === 2);
    assert.equal(late.entry, kept.entry);
    assert.equal(kept.entry.told, kept.told);
    assert.deepEqual([kept.via, late.via].sort(), ["n1/1", "n2/1"], "whoever let it wait is asked last");
    assert.ok(late.calledAt < kept.calledAt && late.returnedAt >= kept.returnedAt);
    assert.throws(() => judgeTries(tries), { by: "once a request" });
  });
});
