// The schema against what it stands for: defaults pass, bounds are those of the parts, the documentation is what it generates.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { engineDefaults, engineViolations } from "../engine/options.ts";
import { defaultLimits, envelopeBytesMax as envelopeBytesOfHttp } from "../http/limits.ts";
import { logOptionsDefault, logViolations } from "../log/options.ts";
import { checkedOptions } from "../raft/options.ts";
import { replicaDefaults } from "../replica/options.ts";
import { advertisedAddresses, edgeLimitsOf, engineOptionsOf, logOptionsOf, replicaOptionsOf } from "./node-options.ts";
import { documentText, flagsOf, helpText, printedSettings, settingsJson, settingsText } from "./print-settings.ts";
import { readDevSettings, readNodeSettings } from "./read-settings.ts";
import { devSchema, handedToNodes, schemas, trefoildSchema } from "./schema.ts";
import type { Schema, Setting } from "./setting.ts";
import type { NodeValues } from "./values.ts";
import { envelopeBytesMax } from "./values.ts";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const identity = ["--id=n1", "--data=d", "--peers=n1=a:7400,n2=b:7400,n3=c:7400"];

function nodeRead(...flags: string[]) {
  const read = readNodeSettings({
    commandArguments: [...identity, ...flags],
    environment: {},
    readFile: () => "",
    mistakeIn: () => "",
  });
  assert.ok(read.kind === "settings", read.kind === "wrong" ? read.violations.join("\n") : "");
  return read;
}

const nodeValues = (...flags: string[]): NodeValues => nodeRead(...flags).values;

/** Takes the ends of a range from what a kind says of a value beyond it. */
function endsOf(flag: keyof typeof trefoildSchema, beyond: string): readonly [string, string] {
  const parsed = trefoildSchema[flag].kind.parse(beyond);
  const match = "fault" in parsed ? /is not from (\S+) to (\S+)$/.exec(parsed.fault) : null;
  assert.ok(match !== null, `${flag} takes ${beyond}`);
  return [match[1] as string, match[2] as string];
}

describe("the schema", () => {
  test("names are flags, defaults are values as they would be printed, and help is a sentence", () => {
    for (const [command, schema] of Object.entries(schemas)) {
      for (const [name, { kind, preset, help }] of Object.entries(schema) as [string, Setting<unknown>][]) {
        assert.match(name, /^[a-z][a-z-]*[a-z]$/, command);
        assert.ok(!name.startsWith("no-"), name);
        assert.match(help, /^\w.*[.]$/, name);
        if (preset === undefined) continue;
        const parsed = kind.parse(preset);
        assert.ok("value" in parsed, `${name}: ${"fault" in parsed ? parsed.fault : ""}`);
      }
    }
  });

  test("defaults are those of log, engine, replica and HTTP edge", () => {
    const values = nodeValues();
    assert.deepEqual({ ...logOptionsDefault, ...logOptionsOf(values) }, logOptionsDefault);
    assert.deepEqual({ ...engineDefaults, ...engineOptionsOf(values) }, engineDefaults);
    const { raft, ...replica } = replicaOptionsOf(values);
    assert.deepEqual({ ...replicaDefaults, ...replica }, replicaDefaults);
    assert.deepEqual(checkedOptions(raft ?? {}), checkedOptions({}));
    assert.deepEqual({ ...defaultLimits, ...edgeLimitsOf(values) }, defaultLimits);
    for (const bytes of [1, 4096, 8 * 2 ** 20]) assert.equal(envelopeBytesMax(bytes), envelopeBytesOfHttp(bytes));
  });

  test("what passes here passes there, from one end of each range to the other", () => {
    for (const flag of ["memtable-bytes", "cache-bytes", "table-cache-bytes", "compaction-rate"] as const) {
      for (const end of endsOf(flag, "0B")) {
        const values = nodeValues(`--${flag}=${end}`, "--max-value-bytes=4KiB");
        assert.deepEqual(engineViolations(engineOptionsOf(values)), [], `${flag} ${end}`);
      }
    }
    for (const flag of ["log-bytes-max", "log-cache-bytes"] as const) {
      for (const end of endsOf(flag, "0B")) {
        assert.deepEqual(logViolations(logOptionsOf(nodeValues(`--${flag}=${end}`))), [], `${flag} ${end}`);
      }
    }
    for (const fsync of ["always", "interval:1", "interval:60000"]) {
      assert.deepEqual(logViolations(logOptionsOf(nodeValues(`--fsync=${fsync}`))), []);
    }
    const [leastBeat] = endsOf("heartbeat", "0ms");
    const [leastElection, mostElection] = endsOf("election-timeout", "0ms");
    for (const election of [leastElection, mostElection]) {
      checkedOptions(
        replicaOptionsOf(
          nodeValues(`--heartbeat=${leastBeat}`, `--election-timeout=${election}`, "--salvage-window=1h"),
        ).raft ?? {},
      );
    }
  });

  test("help names every setting with its default", () => {
    const help = helpText(trefoildSchema);
    for (const name of Object.keys(trefoildSchema)) assert.match(help, new RegExp(`^  --${name}( |$)`, "m"));
    assert.match(help, /--heartbeat DURATION .*\(default 50ms; 10ms to 10s\)/);
    assert.match(help, /--id NAME .*\(required; at most 63 characters\)/);
  });

  test("what is refused for being too little or too much is told before: on the page, and in help", () => {
    const rows = documentText().split("\n");
    let ranges = 0;
    for (const [command, schema] of Object.entries(schemas)) {
      const help = helpText(schema).split("\n");
      for (const [flag, { kind }] of Object.entries(schema) as [string, Setting<unknown>][]) {
        const most = "9".repeat(15);
        const beyond = { DURATION: `${most}d`, BYTES: `${most}TiB`, NUMBER: most, PORT: most }[kind.placeholder];
        if (beyond === undefined) continue;
        const parsed = kind.parse(beyond);
        const told = "fault" in parsed ? /from (\S+ to \S+)$/.exec(parsed.fault)?.[1] : undefined;
        assert.ok(told !== undefined, `${command} --${flag}`);
        assert.ok(
          rows.some((row) => row.startsWith(`| \`--${flag} `) && row.includes(` | ${told} | `)),
          `--${flag}: ${told}`,
        );
        assert.ok(
          help.some((row) => row.startsWith(`  --${flag} `) && row.endsWith(`; ${told})`)),
          `--${flag}: ${told}`,
        );
        ranges++;
      }
    }
    assert.ok(ranges > 50, `${ranges} are looked at`);
    assert.match(documentText(), /^\| `--nodes NUMBER` \| `3` \| 3 to 64 \|/m);
    assert.match(documentText(), /^\| `--id NAME` \| required \| at most 63 characters \|/m);
    assert.match(documentText(), /^\| `--fsync always\\\|interval:MS` \| `always` \| 1 to 60000 ms \|/m);
  });

  test("docs/configuration.md lists what the schema has", () => {
    const page = path.join(root, "docs", "configuration.md");
    const text = readFileSync(page, "utf8");
    const introduction = text.slice(0, text.indexOf("## `trefoild`"));
    assert.ok(introduction.length > 0, "the page has an introduction, and then the settings of trefoild");
    const expected = introduction + documentText();
    if (process.env["TREFOIL_REWRITE"] === "1") writeFileSync(page, expected);
    else assert.equal(text, expected, "TREFOIL_REWRITE=1 writes the page anew");
  });
});

describe("printed settings", () => {
  test("as text, with and without origins", () => {
    const printed = printedSettings(trefoildSchema, nodeRead("--http=127.0.0.1:9"));
    const text = settingsText(printed, true);
    assert.match(text, /^http +127\.0\.0\.1:9 +flag --http$/m);
    assert.match(text, /^heartbeat +50ms +default$/m);
    assert.match(text, /^join +- +default$/m);
    assert.doesNotMatch(settingsText(printed, false), /--http|50ms +default/);
  });

  test("as JSON, with and without origins; without them and without what is not set it is a settings file", () => {
    const printed = printedSettings(trefoildSchema, nodeRead("--groups=9"));
    const withOrigin = JSON.parse(settingsJson(printed, true)) as Record<string, unknown>;
    assert.deepEqual(withOrigin["groups"], { value: "9", origin: "flag", place: "--groups" });
    assert.deepEqual(withOrigin["zone"], { value: "default", origin: "default" });
    const plain = JSON.parse(settingsJson(printed, false)) as Record<string, unknown>;
    const members = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== null));
    const again = readNodeSettings({
      commandArguments: ["--config=f"],
      environment: {},
      readFile: () => JSON.stringify(members),
      mistakeIn: () => "",
    });
    assert.ok(again.kind === "settings");
    assert.deepEqual({ ...again.values, config: undefined }, { ...nodeValues("--groups=9"), config: undefined });
  });

  test("what a cluster for development hands to its nodes, they take", () => {
    const read = readDevSettings({
      commandArguments: ["--fsync=interval:5", "--heartbeat=20ms", "--cache-bytes=1MiB"],
      environment: {},
      readFile: () => "",
      mistakeIn: () => "",
    });
    assert.ok(read.kind === "settings");
    const flags = flagsOf(devSchema, read.values, handedToNodes);
    const values = nodeValues(...flags);
    for (const name of handedToNodes) assert.deepEqual(values[name], read.values[name], name);
    assert.ok(flags.includes("--fsync=interval:5"));
    assert.deepEqual(flagsOf(trefoildSchema as Schema, nodeValues(), ["join", "insecure"]), ["--insecure=false"]);
  });
});

describe("what others dial", () => {
  const at = (host: string, port: number) => ({ host, port });
  const bound = {
    http: at("0.0.0.0", 8080),
    resp: at("127.0.0.1", 7379),
    grpc: at("::", 7500),
    peer: at("0.0.0.0", 17_400),
    admin: at("127.0.0.1", 9400),
  };

  test("is the peer's entry in the list, its host in place of a wildcard, and else where the listener is", () => {
    assert.deepEqual(advertisedAddresses(nodeValues(), bound), {
      http: "a:8080",
      resp: "127.0.0.1:7379",
      grpc: "a:7500",
      peer: "a:7400",
      admin: "127.0.0.1:9400",
    });
  });

  test("is what is said, one by one before all together", () => {
    const values = nodeValues("--advertise=n1.example", "--advertise-grpc=[::1]:99", "--advertise-peer=p:1");
    assert.deepEqual(advertisedAddresses(values, bound), {
      http: "n1.example:8080",
      resp: "n1.example:7379",
      grpc: "[::1]:99",
      peer: "p:1",
      admin: "n1.example:9400",
    });
  });
});
