// Real nodes against the OpenAPI document that they hand out: what they answer is in it, as it is described there.

import assert from "node:assert/strict";
import { Announced } from "../http/announced.ts";
import type { Method } from "../http/announced.ts";
import { ask } from "../http/rig.ts";
import type { Asking, Told } from "../http/rig.ts";
import type { NodeProcesses } from "./node-processes.ts";

export async function answerAsAnnounced(cluster: NodeProcesses): Promise<void> {
  const at = (number: number, method: Method, target: string, asking: Asking = {}): Promise<Told> =>
    ask(cluster.port("http", number), method.toUpperCase(), target, asking);
  const announced = new Announced((await at(1, "get", "/-/openapi.json")).text);
  const walk = async (method: Method, path: string, target: string, asking: Asking = {}): Promise<Told> => {
    const told = await at((announced.seen.size % 3) + 1, method, target, asking);
    announced.check(method, path, told);
    return told;
  };
  const key = "/{key}";
  const made = await walk("put", key, "/page?ttl=60", { body: "0123456789", headers: { "If-None-Match": "*" } });
  assert.equal(made.status, 201, made.text);
  const statuses: number[] = [];
  for (const [method, target, asking] of [
    ["put", "/page", { body: "x", headers: { "If-None-Match": "*" } }],
    ["put", "/page?consistency=fast&ttl=60", { body: "0123456789" }],
    ["put", "/page?consistency=fast", { body: "x", headers: { "If-Match": "*" } }],
    ["get", "/page?consistency=strong", {}],
    ["head", "/page?consistency=strong", {}],
    ["get", "/page?consistency=strong", { headers: { Range: "bytes=2-3" } }],
    ["get", "/page?consistency=strong", { headers: { Range: "bytes=20-" } }],
    ["get", "/page?consistency=strong", { headers: { "If-Match": '"1.1"' } }],
    ["get", "/page?consistency=strong", { headers: { Accept: "application/vnd.trefoil+json" } }],
    ["get", "/page", {}],
    ["delete", "/page", { headers: { "If-Match": '"1.1"' } }],
    ["delete", "/page", {}],
    ["get", "/page?consistency=strong", {}],
  ] as const) {
    statuses.push((await walk(method, key, target, asking)).status);
  }
  assert.deepEqual(statuses, [412, 200, 400, 200, 200, 206, 416, 412, 200, 200, 412, 204, 404]);
  await at(1, "put", "/page", { body: "x" });
  for (const path of Object.keys(announced.paths)) {
    if (path === key || path.startsWith("/-/kv")) continue;
    const target = path.replace("{key}", "page").replace("{key64}", "cGFnZQ");
    for (const method of ["get", "head"] as const) {
      assert.equal((await walk(method, path, path === "/-/keys" ? `${target}?values=1` : target)).status, 200, path);
    }
  }
}
