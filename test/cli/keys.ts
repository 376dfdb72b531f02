// put, get and del of the built command line against a cluster of processes.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { CliRig } from "./rig.ts";
import type { Ran } from "./run-trefoil.ts";

interface Written {
  readonly version: string;
  readonly acks: number;
  readonly replicas: number;
  readonly durability: string;
  readonly receipt: string;
  readonly group: number;
  readonly node: string;
  readonly consistency: string;
  readonly expiresAt: string | null;
}

async function written({ trefoil }: CliRig, words: readonly string[]): Promise<Written> {
  const ran = await trefoil.run([...words, "-o", "json"]);
  assert.deepEqual([ran.code, ran.errors], [0, ""], ran.errors);
  return JSON.parse(ran.out) as Written;
}

export function describeKeys(rig: () => CliRig): void {
  describe("trefoil put, get, del", () => {
    it("says what became of a write, as a table, as fields and as JSON", async () => {
      const table = await rig().trefoil.run(["put", "told", "one", "--ttl", "10m"]);
      assert.deepEqual([table.code, table.errors], [0, ""]);
      assert.match(table.out, /^version {6}\d+\.\d+$/m);
      assert.match(table.out, /^acks {9}[23] of 3$/m);
      assert.match(table.out, /^durability {3}synced$/m);
      assert.match(table.out, /^consistency {2}strong$/m);
      assert.match(table.out, /^receipt {6}[1-4]\.\d+\.\d+$/m);
      assert.match(table.out, /^node {9}n\d$/m);
      assert.match(table.out, /^expires {6}\d{4}-\d\d-\d\dT/m);
      const raw = await rig().trefoil.run(["put", "told", "two", "-o", "raw"]);
      assert.match(raw.out, /^version\t\d+\.\d+\nacks\t[23] of 3\n/);
      const { version, receipt, group, ...rest } = await written(rig(), [
        "put",
        "told",
        "three",
        "--consistency",
        "fast",
      ]);
      assert.equal(receipt, `${group}.${version}`);
      assert.equal(rest.consistency, "fast");
      assert.equal(rest.replicas, 3);
      assert.equal(rest.expiresAt, null);
      const removed = await written(rig(), ["del", "told"]);
      assert.notEqual(removed.version, version);
      const gone = await rig().trefoil.run(["get", "told", "--consistency", "strong"]);
      assert.deepEqual([gone.code, gone.out], [3, ""]);
      assert.match(gone.errors, /^trefoil: not_found: .*127\.0\.0\.1:\d+, request n1-d-\w+\)$/m);
    });

    it("takes a value from the command line, a file and standard input, and gives its bytes back as they are", async () => {
      const large = randomBytes(300_000);
      const file = join(rig().nodes.folder, "large");
      writeFileSync(file, large);
      const cases: [words: readonly string[], input: string | Uint8Array, bytes: Uint8Array, type: string][] = [
        [["wörter ✓"], "", Buffer.from("wörter ✓"), "text/plain; charset=utf-8"],
        [[""], "", Buffer.alloc(0), "text/plain; charset=utf-8"],
        [["-"], Buffer.from([0, 255, 10, 13, 128]), Buffer.from([0, 255, 10, 13, 128]), "application/octet-stream"],
        [["--file", file], "", large, "application/octet-stream"],
        [["--file", file, "--content-type", "image/png"], "", large, "image/png"],
        // An envelope is no envelope here.
        [
          [`{"value": 1}`, "--content-type", "application/vnd.trefoil+json"],
          "",
          Buffer.from(`{"value": 1}`),
          "application/vnd.trefoil+json",
        ],
      ];
      const keep = async ([words, input, bytes, type]: (typeof cases)[number], at: number): Promise<void> => {
        const { trefoil } = rig();
        const put = await trefoil.run(["put", `value${at}`, ...words], { input });
        assert.equal(put.code, 0, put.errors);
        const [got, known] = await Promise.all([
          trefoil.run(["get", `value${at}`]),
          trefoil.run(["get", `value${at}`, "-o", "table"]),
        ]);
        assert.deepEqual([got.code, got.errors], [0, ""]);
        assert.ok(got.bytes.equals(bytes), `${words.join(" ")}: ${got.bytes.length} bytes`);
        assert.match(known.out, new RegExp(`^content type {2}${type.replaceAll(/[.+]/g, String.raw`\$&`)}$`, "m"));
      };
      await Promise.all(cases.map(keep));
    });

    it("gives a record as JSON, each digit as it was written", async () => {
      const value = `{"n": 12345678901234567890.10, "text": "a\\nb"}`;
      const { version } = await written(rig(), [
        "put",
        "json",
        value,
        "--content-type",
        "application/json",
        "--ttl",
        "1h",
      ]);
      const { code, out } = await rig().trefoil.run(["get", "json", "-o", "json", "--consistency", "strong"]);
      assert.equal(code, 0);
      assert.ok(out.includes(value), out);
      const record = JSON.parse(out) as Record<string, unknown>;
      assert.deepEqual(
        [record["key"], record["version"], record["consistency"], record["contentType"]],
        ["json", version, "strong", "application/json"],
      );
      assert.match(String(record["node"]), /^n\d$/);
      assert.ok(Date.parse(String(record["expiresAt"])) > 0);
    });

    it("reaches every key, whatever a path would make of it", async () => {
      const keys = [
        "plain",
        "a/b/c",
        "-/reserved",
        "a/../b",
        "..",
        "//",
        "/x",
        "x/",
        "blank here?#%&+",
        "✓/ü",
        "%2e",
        "a\\b",
      ];
      const reach = async (key: string): Promise<void> => {
        const put = await rig().trefoil.run(["put", "--", key, `of ${key}`]);
        assert.equal(put.code, 0, `${key}: ${put.errors}`);
        assert.equal((await rig().trefoil.run(["get", "--", key])).out, `of ${key}`);
        const key64 = Buffer.from(key).toString("base64url");
        assert.equal((await rig().trefoil.run(["get", "--key64", "--", key64])).out, `of ${key}`);
      };
      await Promise.all(keys.map(reach));
      const bytes = Buffer.from([0xff, 0x00, 0x80]).toString("base64url");
      assert.equal((await rig().trefoil.run(["put", "--key64", bytes, "binary"])).code, 0);
      const record = JSON.parse((await rig().trefoil.run(["get", "--key64", bytes, "-o", "json"])).out) as Record<
        string,
        unknown
      >;
      assert.deepEqual([record["key64"], record["value"]], [bytes, "binary"]);
      assert.equal((await rig().trefoil.run(["del", "--key64", bytes])).code, 0);
      assert.equal((await rig().trefoil.run(["get", "--key64", bytes, "--consistency=strong"])).code, 3);
    });

    it("writes under conditions, and answers a repeated write as the first", async () => {
      const first = await written(rig(), ["put", "lock", "me", "--if-none-match"]);
      const taken = await rig().trefoil.run(["put", "lock", "you", "--if-none-match"]);
      assert.deepEqual([taken.code, taken.out], [4, ""]);
      assert.match(taken.errors, /^trefoil: precondition_failed: /);
      assert.equal((await rig().trefoil.run(["put", "lock", "x", "--if-match", "1.1"])).code, 4);
      const second = await written(rig(), ["put", "lock", "still me", "--if-match", first.version]);
      assert.equal((await rig().trefoil.run(["del", "lock", "--if-match", first.version])).code, 4);
      const third = await written(rig(), [
        "put",
        "lock",
        "any",
        "--if-match",
        `"${second.version}"`,
        "--idempotency-key",
        "once",
      ]);
      const again = await written(rig(), [
        "put",
        "lock",
        "any",
        "--if-match",
        second.version,
        "--idempotency-key",
        "once",
      ]);
      assert.equal(again.version, third.version);
      assert.equal((await rig().trefoil.run(["del", "lock", "--if-match", "*"])).code, 0);
    });

    it("refuses wrong use with code 2, and says what is right", async () => {
      const cases: [words: readonly string[], says: RegExp][] = [
        [["put", "k", "v", "--tll", "5"], /unknown option '--tll'\n\(Did you mean --ttl\?\)/],
        [["pot", "k", "v"], /unknown command 'pot'\n\(Did you mean put\?\)/],
        [["get"], /missing required argument 'key'/],
        [["get", "k", "v"], /too many arguments/],
        [["put", "k"], /there is no value: give one behind the key/],
        [["put", "k", "v", "--file", "x"], /there are two values/],
        [["put", "k", "--file", "/nowhere/x"], /--file \/nowhere\/x: there is no such file/],
        [["put", "k", "--file", "/"], /--file \/: EISDIR/],
        [["put", "k", "v", "--ttl", "soon"], /bad_ttl: a ttl is a whole number of seconds/],
        [["put", "k", "v", "--ttl", "0"], /bad_ttl/],
        [["put", "k", "v", "--consistency", "eventual"], /bad_consistency: consistency is fast or strong/],
        [["put", "k", "v", "--consistency", "fast", "--if-none-match"], /bad_consistency: /],
        [["put", "k", "v", "--if-match", "x"], /--if-match takes a version such as 7\.41/],
        [["put", "k", "v", "--idempotency-key", "ü"], /--idempotency-key takes printable ASCII/],
        [["put", "", "v"], /bad_key: the key is empty/],
        [["put", "--key64", "a=", "v"], /--key64: "a=" is no base64url: .* without padding/],
        [["put", "--key64", "Lh", "v"], /--key64: "Lh" is no base64url: .* of these bytes it is "Lg"/],
        [["put", "\uFFFD", "v"], /--key64/],
        [["get", "k", "-o", "xml"], /-o xml: choose from table, json, raw/],
        [["get", "k", "--timeout", "2h"], /a timeout is from 1 ms to 60 s/],
        [["get", "k", "--endpoint", "https://h:1"], /over http, not https/],
        [["get", "k", "--endpoint", "h:99999"], /--endpoint takes host:port/],
      ];
      const all = await Promise.all(cases.map(([words]) => rig().trefoil.run(words)));
      for (const [at, [words, says]] of cases.entries()) {
        const { code, out, errors } = all[at] as Ran;
        assert.match(errors, says, words.join(" "));
        assert.deepEqual([code, out], [2, ""], words.join(" "));
      }
      const { code, errors } = await rig().trefoil.run(["put", "large", "-"], { input: Buffer.alloc(1_100_000) });
      assert.match(errors, /^trefoil: too_large: a value has at most 1048576 bytes here \(--max-value-bytes\)/);
      assert.equal(code, 2);
    });
  });
}
