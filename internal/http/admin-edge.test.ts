import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { MemoryCoordinator } from "../../test/support/memory-coordinator.ts";
import { ask } from "../../test/http/rig.ts";
import type { Told } from "../../test/http/rig.ts";
import { openAdminEdge } from "./admin-edge.ts";
import type { Readiness } from "./admin-edge.ts";
import { answerOf } from "./answer.ts";
import type { OpenEdge } from "./edge.ts";

let edge: OpenEdge;
let readiness: Readiness;
const unexpected: unknown[] = [];

before(async () => {
  edge = await openAdminEdge(
    {
      coordinator: new MemoryCoordinator(),
      readiness: () => readiness,
      metrics: () => Promise.resolve({ contentType: "text/plain; version=0.0.4", text: "trefoil_up 1\n" }),
      admin: ({ method, target }) => (target === "/-/admin/plan" ? answerOf(202, "text/plain", method) : undefined),
      onUnexpected: (failure) => unexpected.push(failure),
    },
    { host: "127.0.0.1", port: 0 },
  );
});
after(async () => {
  await edge.close();
  assert.deepEqual(unexpected, []);
});

const checks = [
  { name: "log", isFine: true, detail: "replayed" },
  { name: "group 3", isFine: false, detail: "has no leader" },
];
beforeEach(() => {
  readiness = { state: "ready", checks };
});

function get(target: string, method = "GET"): Promise<Told> {
  return ask(edge.address.port, method, target);
}

test("the type of a problem leads to its explanation", async () => {
  const { type } = JSON.parse((await get("/nowhere")).text) as Record<string, string>;
  const [path = "", anchor = ""] = (type as string).split("#");
  const page = await get(path);
  assert.equal(page.status, 200);
  assert.ok(page.text.includes(`id="${anchor}"`), `${anchor} is not explained`);
});

test("livez answers as long as the process turns over", async () => {
  readiness = { state: "stopping", checks };
  const told = await get("/livez");
  assert.deepEqual([told.status, told.text], [200, "alive\n"]);
});

test("readyz says whether to send work here, and with verbose why", async () => {
  assert.deepEqual([(await get("/readyz")).status, (await get("/readyz")).text], [200, "ready\n"]);
  assert.equal((await get("/readyz?verbose")).text, "ready\nok   log: replayed\nnot  group 3: has no leader\n");
  for (const state of ["starting", "stopping"] as const) {
    readiness = { state, checks };
    const told = await get("/readyz");
    const { code, detail, checks: open } = JSON.parse(told.text) as Record<string, unknown>;
    assert.deepEqual(open, [checks[1]], "for programs");
    assert.deepEqual([told.status, code], [503, state]);
    assert.equal(detail, `this node is ${state}; group 3: has no leader`);
    assert.equal(told.headers["retry-after"], "1");
    const verbose = JSON.parse((await get("/readyz?verbose=1")).text) as { detail: string; checks: unknown };
    assert.ok(verbose.detail.includes("log: replayed"));
    assert.deepEqual(verbose.checks, checks);
  }
  assert.equal((await get("/readyz?verbos")).status, 400);
});

test("readyz of a gateway that reaches nobody says so, and as requests are told", async () => {
  readiness = { state: "cut_off", checks };
  const told = await get("/readyz");
  const { code, detail } = JSON.parse(told.text) as Record<string, unknown>;
  assert.deepEqual([told.status, code], [503, "no_leader"]);
  assert.equal(detail, "this gateway reaches no node of its cluster; group 3: has no leader");
});

test("metrics gives the page that it is given", async () => {
  const told = await get("/metrics");
  assert.deepEqual([told.text, told.headers["content-type"]], ["trefoil_up 1\n", "text/plain; version=0.0.4"]);
});

test("the cluster view is the same as for users", async () => {
  assert.ok((await get("/-/cluster")).text.startsWith(`{"cluster":"c0ffee"`));
});

test("admin routes have their place, and nothing else is there", async () => {
  const told = await get("/-/admin/plan", "POST");
  assert.deepEqual([told.status, told.text], [202, "POST"]);
  for (const target of ["/-/admin/plans", "/-/admin", "/", "/hello", "/-/keys", "/-/admins/plan"]) {
    assert.equal((await get(target)).status, 404, target);
  }
  const dataRoutes = "/<key>, /-/keys are on the data listener (--http)";
  for (const [target, words] of [
    ["/redyz", `the nearest is /readyz, of /livez, /readyz, /metrics, /-/cluster, /-/docs; ${dataRoutes}`],
    ["/cluster", "the nearest is /-/cluster, of "],
    ["/hello", `there are /livez, /readyz, /metrics, /-/cluster, /-/docs; ${dataRoutes}`],
    ["/-/keys?prefix=a", "/-/keys is on the data listener (--http); here are /livez, "],
  ] as const) {
    const { detail } = JSON.parse((await get(target)).text) as { readonly detail: string };
    const shown = JSON.stringify(target.split("?", 1)[0]);
    assert.ok(detail.startsWith(`there is no route ${shown}; ${words}`), detail);
  }
  assert.equal((await get("/livez", "PUT")).status, 405);
});
