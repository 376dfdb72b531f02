// list, explain, cluster status and health of the built command line, against a cluster of processes: whole, and with most of it killed.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { ClusterView } from "../../internal/node/requests.ts";
import { eventually } from "../daemon/node-processes.ts";
import type { NodeProcesses } from "../daemon/node-processes.ts";
import type { CliRig } from "./rig.ts";
import type { Ran } from "./run-trefoil.ts";

type StatusJson = ClusterView & { readonly unavailable: readonly string[] };
interface HealthJson {
  readonly node: string | null;
  readonly admin: string;
  readonly live: boolean;
  readonly ready: boolean;
  readonly detail: string;
}

/** More than a page of the command line holds. */
const manyKeys = 1100;
const many = Array.from({ length: manyKeys }, (_, at) => `many/${String(at).padStart(4, "0")}`);

async function store(
  nodes: NodeProcesses,
  key: string,
  value: string | Uint8Array,
  contentType = "text/plain",
): Promise<void> {
  const answer = await fetch(nodes.url("http", 1, `/-/kv64/${Buffer.from(key).toString("base64url")}?raw=1`), {
    method: "PUT",
    headers: { "Content-Type": contentType },
    body: value,
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function fineOf({ trefoil }: CliRig, words: readonly string[]): Promise<Ran> {
  const ran = await trefoil.run(words);
  assert.deepEqual([ran.code, ran.errors], [0, ""], words.join(" "));
  return ran;
}

const strong = "--consistency=strong";

type Command = (...words: readonly string[]) => Promise<Ran>;

export function describeLooking(rig: () => CliRig): void {
  const fine = (...words: readonly string[]): Promise<Ran> => fineOf(rig(), words);
  const run = (...words: readonly string[]): Promise<Ran> => rig().trefoil.run(words);
  describeList(rig, fine, run);
  describeState(rig, fine, run);
}

function describeList(rig: () => CliRig, fine: Command, run: Command): void {
  describe("trefoil list", () => {
    before(async () => {
      for (let at = 0; at < manyKeys; at += 100) {
        await Promise.all(many.slice(at, at + 100).map((key) => store(rig().nodes, key, `of ${key}`)));
      }
    });

    it("follows pages to the end, in every form", async () => {
      const [raw, json, table] = await Promise.all([
        fine("list", "many/", "-o", "raw", strong),
        fine("list", "many/", "-o", "json", "--values", strong),
        fine("list", "many/", strong),
      ]);
      assert.deepEqual(raw.out.split("\n"), [...many, ""]);
      const records = JSON.parse(json.out) as readonly { readonly key: string; readonly value: string }[];
      assert.deepEqual(
        records.map(({ key, value }) => [key, value]),
        many.map((key) => [key, `of ${key}`]),
      );
      const lines = table.out.trimEnd().split("\n");
      assert.match(lines[0] ?? "", /^key +version +expires$/);
      assert.equal(lines.length, manyKeys + 1);
      assert.match(lines.at(-1) ?? "", /^many\/1099 +\d+\.\d+ +-$/);
    });

    it("ends at a limit, says so, and goes on from there", async () => {
      const first = await run("list", "many/", "--limit", "1050", "-o", "raw", strong);
      assert.equal(first.code, 0);
      assert.deepEqual(first.out.trimEnd().split("\n"), many.slice(0, 1050));
      const cursor =
        /^trefoil: more may follow: the same command with --cursor (\S+) goes on$/m.exec(first.errors)?.[1] ?? "";
      const rest = await fine("list", "many/", "--cursor", cursor, "-o", "raw", strong);
      assert.deepEqual(rest.out.trimEnd().split("\n"), many.slice(1050));
    });

    it("shows values and keys of every kind, safe for a terminal as a table, as they are otherwise", async () => {
      await store(rig().nodes, "odd/\u001b[31m", "\u001b[2J");
      await store(rig().nodes, "odd/json", `{"n": 1.10}`, "application/json");
      await store(rig().nodes, "odd/json1", `"abc"`, "application/json");
      await store(rig().nodes, "odd/json2", "abc", "application/json");
      await store(rig().nodes, "odd/json3", `"a"`, "application/json-patch+json");
      await store(rig().nodes, "odd/long", "x".repeat(500));
      await store(rig().nodes, "odd/zbytes", Uint8Array.of(255, 0), "");
      const table = await fine("list", "odd/", "--values", strong);
      assert.ok(!table.out.includes("\u001b"), JSON.stringify(table.out));
      assert.match(table.out, /^odd\/\\u001b\[31m .* \\u001b\[2J$/m);
      assert.match(table.out, /^odd\/long +\d+\.\d+ +- +text\/plain +x{59}…$/m);
      assert.match(table.out, /^odd\/zbytes .* \\xff\\x00$/m);
      const raw = await fine("list", "odd/", "--values", "-o", "raw", strong);
      const expected = `odd/\u001b[31m\t\u001b[2J\nodd/json\t{"n": 1.10}\nodd/json1\t"abc"\nodd/json2\tabc\nodd/json3\t"a"\nodd/long\t${"x".repeat(500)}\nodd/zbytes\t`;
      assert.deepEqual(raw.bytes, Buffer.concat([Buffer.from(expected), Buffer.of(255, 0, 10)]));
      const json = await fine("list", "odd/", "--values", "-o", "json", strong);
      assert.match(json.out, /"value":\{"n": 1\.10\}/);
      assert.equal((JSON.parse(json.out) as readonly unknown[]).length, 7);
    });

    it("keeps values under their heading, though the first expiry comes on a later page", async () => {
      await fine("put", "many/9999", "last", "--ttl", "1h");
      const lines = (await fine("list", "many/", "--values", strong)).out.trimEnd().split("\n");
      await fine("del", "many/9999");
      const at = (lines[0] ?? "").indexOf("content type");
      assert.match(lines.at(-1) ?? "", /^many\/9999 .* \d{4}-\d\d-\d\dT\S+Z +text\/plain/);
      for (const line of lines.slice(1)) assert.equal(line.indexOf("text/plain"), at, line);
    });

    it("lists nothing where there is nothing", async () => {
      assert.equal((await fine("list", "nowhere/", "-o", "json")).out, "[]\n");
      assert.equal((await fine("list", "nowhere/", "-o", "raw")).out, "");
      const table = await run("list", "nowhere/");
      assert.deepEqual([table.code, table.out, table.errors], [0, "", "trefoil: there is no such key\n"]);
    });

    it("ends quietly when its reader has seen enough", async () => {
      const ran = await rig().trefoil.shell(`{ trefoil list many/ -o raw; echo "code $?" >&2; } | head -n 1`);
      assert.deepEqual([ran.out, ran.errors], ["many/0000\n", "code 0\n"]);
    });
  });
}

function describeState(rig: () => CliRig, fine: Command, run: Command): void {
  describe("trefoil explain, cluster status, health", () => {
    it("explains where a key lies", async () => {
      await store(rig().nodes, "a/../b", "x");
      const { out } = await fine("explain", "a/../b");
      assert.match(out, /^key +a\/\.\.\/b\nslot +\d+\n/);
      assert.match(out, /^virtual node +\d+ of group [1-4], at \d+$/m);
      assert.match(out, /^replica +node +role +applied +lag\n(\d+ +n\d +(leader|follower) +\d+ +\d+\n){3}/m);
      assert.match(out, /^a strong write would +be taken by n\d/m);
      const told = JSON.parse((await fine("explain", "a/../b", "-o", "json")).out) as Record<string, unknown>;
      assert.equal(told["key"], "a/../b");
      assert.match((await fine("explain", "absent", "-o", "raw")).out, /^version\tthere is nothing$/m);
    });

    it("shows the state of the whole", async () => {
      const { out } = await fine("cluster", "status");
      assert.match(out, /^cluster +\S+\nmap epoch +\d+$/m);
      assert.match(out, /^n1 +default +self /m);
      assert.match(
        out,
        new RegExp(`^n2 +default +connected +\\d.* 127\\.0\\.0\\.1:${rig().nodes.port("admin", 2)}$`, "m"),
      );
      assert.match(out, /^group +slots +term +leader +committed +lag +replicas\n0 +0 +\d+ +n\d /m);
      assert.doesNotMatch(out, /troubles/);
      const view = JSON.parse((await fine("cluster", "status", "-o", "json")).out) as StatusJson;
      assert.deepEqual([view.nodes.length, view.groups.length, view.troubles, view.unavailable], [3, 5, [], []]);
    });

    it("asks every node how it is", async () => {
      const told = JSON.parse((await fine("health", "-o", "json")).out) as readonly HealthJson[];
      assert.deepEqual(
        told.map(({ node, live, ready }) => [node, live, ready]),
        ["n1", "n2", "n3"].map((node) => [node, true, true]),
      );
      const admin = `127.0.0.1:${rig().nodes.port("admin", 3)}`;
      const { out } = await fine("health", "--admin-endpoint", admin, "--endpoint", "127.0.0.1:1");
      assert.match(out, new RegExp(`^- +${admin} +yes +yes`, "m"));
      const elsewhere = await run("health", "--endpoint", "127.0.0.1:1");
      assert.equal(elsewhere.code, 5);
      assert.match(
        elsewhere.errors,
        /127\.0\.0\.1:1: nobody listens there; npm start .*\. Without the map, --admin-endpoint says/,
      );
    });

    it("colours nothing in a pipe", async () => {
      for (const words of [["cluster", "status"], ["health"], ["list", "many/", "--limit=1"]]) {
        assert.ok(!(await run(...words)).out.includes("\u001b"));
      }
    });

    it("goes on to the next endpoint, and tells what is unavailable with codes for scripts", async () => {
      await rig().processes[0]?.kill();
      assert.equal((await fine("get", "many/0007")).out, "of many/0007");
      await eventually(async () => {
        const { code, errors } = await run("cluster", "status");
        if (code !== 0) throw new Error(errors);
      });
      const one = await run("cluster", "status");
      assert.match(one.out, /^troubles\n {2}node n1 cannot be reached from n2$/m);
      const health = await run("health");
      assert.equal(health.code, 5);
      assert.match(health.out, /^n1 +\S+ +no +no +nobody listens there$/m);
      assert.match(health.out, /^n2 +\S+ +yes +yes/m);
      await rig().processes[2]?.kill();
      const status = await eventually(async () => {
        const ran = await run("cluster", "status", "-o", "json");
        if (ran.code === 0) throw new Error(ran.out);
        return ran;
      });
      assert.equal(status.code, 5);
      assert.match(status.errors, /^trefoil: unavailable: group [0-4] has no (leader|majority)/m);
      const { troubles, unavailable } = JSON.parse(status.out) as StatusJson;
      assert.equal(unavailable.length, 5);
      assert.ok(
        unavailable.every((words) => troubles.includes(words)),
        status.out,
      );
      const table = await run("cluster", "status");
      assert.match(table.out, /^ {2}group 0 has no (leader|majority)/m);
      assert.deepEqual([table.code, table.errors], [5, ""], "told once");
      const explained = await run("explain", "many/0007");
      assert.match(explained.out, /^a strong read would +be refused \(no_(leader|quorum)\)/m);
      assert.match(explained.out, /^a strong write would +be refused \(no_(leader|quorum)\)/m);
      const write = await run("put", "many/0007", "x", "--timeout", "1s");
      assert.ok(write.code === 5 || write.code === 7, `${write.code} ${write.errors}`);
      assert.equal(write.out, "");
      await rig().processes[1]?.kill();
      const nobody = await run("list");
      assert.equal(nobody.code, 5);
      assert.match(nobody.errors, /^trefoil: none of 2 endpoints could do it:\n {2}127.*nobody listens there\n {2}127/);
    });
  });
}
