// Health follows readiness, for whoever asks and for whoever watches.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import type { Fields } from "../../test/kv/client.ts";
import { KvRig, until } from "../../test/kv/rig.ts";

const check = "grpc.health.v1.Health/Check";
const watch = "grpc.health.v1.Health/Watch";

describe("health", () => {
  let rig: KvRig;
  beforeEach(async () => {
    rig = await KvRig.open({ longCallsMax: 2 });
  });
  afterEach(() => rig.close());

  function watched(service: string): { readonly news: unknown[]; readonly ended: Promise<number> } {
    const news: unknown[] = [];
    const stream = rig.first.stream(watch, { service });
    stream.on("data", ({ status: told }: Fields) => news.push(told));
    const ended = new Promise<number>((resolve) => {
      stream.on("error", () => undefined);
      stream.on("status", ({ code }) => resolve(code));
    });
    return { news, ended };
  }

  it("is told of the server and of each of its services", async () => {
    for (const service of ["", "trefoil.v1.KV", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]) {
      rig.isReady = true;
      assert.deepEqual(await rig.call(check, { service }), { status: "SERVING" });
      rig.isReady = false;
      assert.deepEqual(await rig.call(check, { service }), { status: "NOT_SERVING" });
    }
    assert.equal((await rig.refused(check, { service: "trefoil.v1.Peers" })).code, status.NOT_FOUND);
    assert.equal((await rig.refused(check, { service: "__proto__" })).code, status.NOT_FOUND);
  });

  it("is told to watchers when it changes, until the server stops", async () => {
    const { news, ended } = watched("trefoil.v1.KV");
    const unknown = watched("no.Such");
    await until(() => news.length === 1 && unknown.news.length === 1);
    rig.isReady = false;
    await until(() => news.length === 2);
    rig.isReady = true;
    await until(() => news.length === 3);
    await rig.edge.close();
    assert.deepEqual(await Promise.all([ended, unknown.ended]), [status.OK, status.OK]);
    assert.deepEqual(news, ["SERVING", "NOT_SERVING", "SERVING", "NOT_SERVING"]);
    assert.deepEqual(unknown.news, ["SERVICE_UNKNOWN"]);
  });

  it("is watched by so many, and by others when some have gone", async () => {
    const streams = ["", ""].map((service) => rig.first.stream(watch, { service }));
    for (const stream of streams) {
      stream.on("error", () => undefined);
      await new Promise((resolve) => {
        stream.once("data", resolve);
      });
    }
    assert.equal(await watched("").ended, status.RESOURCE_EXHAUSTED);
    streams[0]?.cancel();
    let news: unknown[] = [];
    // The server learns of it a little later.
    while (news.length === 0) {
      const again = watched("");
      let isOver = false;
      void again.ended.then(() => {
        isOver = true;
      });
      await until(() => isOver || again.news.length > 0);
      ({ news } = again);
    }
    assert.deepEqual(news, ["SERVING"]);
  });
});
