import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../internal/base/prng.ts";
import { History } from "../sim/history.ts";
import type { Asked, Exchange } from "./http-client.ts";
import { MixedClient } from "./mixed-client.ts";
import type { ClientCounts } from "./mixed-client.ts";

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
    const client = new MixedClient({ name: 1, cluster, http, history, counts, served: new WeakMap(), random });
    await client.work(1);
    const read = history.entries.findIndex(({ done }) => done.kind === "read");
    const [slow, next] = history.entries.slice(read);
    assert.ok(slow !== undefined && next !== undefined);
    assert.equal(slow.told?.kind, "saw");
    assert.ok(slow.returnedAt > next.calledAt, "the next one was asked for meanwhile");
  });
});
