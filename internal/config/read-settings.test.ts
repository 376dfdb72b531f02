// Where values come from, which one counts, and that whatever is wrong is told at once.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { mistakeIn } from "../http/json-mistake.ts";
import { readDevSettings, readGatewaySettings, readNodeSettings, readSettings } from "./read-settings.ts";
import type { World } from "./read-settings.ts";
import { printedSettings, settingsJson, settingsText } from "./print-settings.ts";
import { file, toggle, word } from "./kinds.ts";
import { trefoildSchema } from "./schema.ts";
import { optional, secret, setting } from "./setting.ts";

const founding = ["--id", "n1", "--data", "d", "--peers", "n1=a:7400,n2=b:1,n3=c:1"];

function world(
  commandArguments: readonly string[],
  environment: Record<string, string> = {},
  files: Record<string, string> = {},
): World {
  return {
    commandArguments,
    environment,
    readFile: (path) => {
      if (!Object.hasOwn(files, path)) throw new Error("no such file");
      return files[path] as string;
    },
    mistakeIn,
  };
}

function node(...parameters: Parameters<typeof world>) {
  const read = readNodeSettings(world(...parameters));
  assert.ok(read.kind === "settings", read.kind === "wrong" ? read.violations.join("\n") : "");
  return read;
}

function violationsOf(read: ReturnType<typeof readNodeSettings | typeof readDevSettings | typeof readGatewaySettings>) {
  assert.equal(read.kind, "wrong");
  return read.kind === "wrong" ? read.violations : [];
}

const wrong = (...parameters: Parameters<typeof world>) => violationsOf(readNodeSettings(world(...parameters)));

describe("settings", () => {
  test("flags are stronger than the environment, that than the file, that than defaults", () => {
    const files = { "t.json": '{"http": "127.0.0.1:1", "resp": "127.0.0.1:1", "grpc": "127.0.0.1:1"}' };
    const environment = { TREFOIL_HTTP: "127.0.0.1:2", TREFOIL_RESP: "127.0.0.1:2" };
    const { values, given } = node([...founding, "--config", "t.json", "--http=127.0.0.1:3"], environment, files);
    assert.deepEqual(
      (["http", "resp", "grpc", "admin"] as const).map((flag) => [values[flag].port, given.get(flag)?.place]),
      [
        [3, "--http"],
        [2, "TREFOIL_RESP"],
        [1, '"grpc" in t.json'],
        [9400, undefined],
      ],
    );
  });

  test("the environment may name the file; a flag given twice counts where it stands last", () => {
    const files = { "t.json": '{"zone": "z"}' };
    const { values } = node([...founding, "--groups", "7", "--groups", "8"], { TREFOIL_CONFIG: "t.json" }, files);
    assert.equal(values.zone, "z");
    assert.equal(values.groups, 8);
  });

  test("where --peer is given nowhere, a founder listens on the port of its own entry in --peers, and says whence it has that", () => {
    const own = ["--id=n2", "--data=d"];
    const peers = "n1=a:7400,n2=b:7450,n3=c:1";
    const peerOf = (...parameters: Parameters<typeof world>) => {
      const read = node(...parameters);
      const { value, origin, place } = printedSettings(trefoildSchema, read).find(({ name }) => name === "peer") ?? {};
      return [value, origin, place];
    };
    const mapped = "--advertise-peer=b:7450";
    const standard = "127.0.0.1:7400";
    assert.deepEqual(peerOf([...own, "--peers", peers]), ["127.0.0.1:7450", "flag", "--peers"]);
    assert.deepEqual(peerOf(own, { TREFOIL_PEERS: peers }), ["127.0.0.1:7450", "environment", "TREFOIL_PEERS"]);
    const given = { TREFOIL_PEERS: peers, TREFOIL_PEER: "127.0.0.2:7450" };
    assert.deepEqual(peerOf(own, given), ["127.0.0.2:7450", "environment", "TREFOIL_PEER"]);
    assert.deepEqual(peerOf([...own, "--peers", peers, mapped]), [standard, "default", ""]);
    assert.deepEqual(peerOf([...own, "--join=a:1"]), [standard, "default", ""]);
    for (const [flags, environment, files] of [
      [["--peer=127.0.0.1:7400"], {}, {}],
      [[], { TREFOIL_PEER: standard }, {}],
      [["--config=f"], {}, { f: `{"peer": "${standard}"}` }],
    ] as const) {
      const told = wrong([...own, "--peers", peers, ...flags], environment, files);
      assert.match(told.join("\n"), /^--peers has n2 at b:7450, and --peer 127\.0\.0\.1:7400 listens on another port/);
    }
    assert.equal(wrong([...own, "--peers", peers, "--peer=x"]).length, 1);
  });

  test("a file holds numbers, switches and lists as JSON does", () => {
    const text = '{"groups": 16, "insecure": true, "peers": ["n1=a:7400", "n2=b:1", "n3=c:1"], "heartbeat": "20ms"}';
    const { values } = node(["--id=n1", "--data=d", "--config=f"], {}, { f: text });
    assert.equal(values.groups, 16);
    assert.equal(values.insecure, true);
    assert.equal(values.peers?.length, 3);
    assert.equal(values.heartbeat, 20);
  });

  test("a switch is on, off or said; what it is followed by is not its value", () => {
    const dev = (...flags: string[]) => {
      const read = readDevSettings(world(flags));
      assert.equal(read.kind, "settings");
      return read.kind === "settings" ? read.values.restart : undefined;
    };
    assert.deepEqual(
      [dev(), dev("--restart"), dev("--no-restart"), dev("--restart=false")],
      [true, true, false, false],
    );
    assert.match(
      violationsOf(readDevSettings(world(["--restart", "false"]))).join("\n"),
      /"false": .* nothing stands alone/,
    );
  });

  test("what stands behind a misspelt flag was meant as its value, and is no mistake of its own", () => {
    const told = (...flags: string[]) => violationsOf(readDevSettings(world(flags)));
    const misspelt = '"--nodse": there is no such setting; the nearest is --nodes';
    assert.deepEqual(told("--nodse", "4"), [misspelt]);
    assert.deepEqual(told("--nodse=4"), [misspelt]);
    assert.equal(told("--nodse", "4", "5").length, 2);
    assert.equal(told("--nodse=4", "5").length, 2);
    assert.equal(told("4", "--nodse").length, 2);
  });

  test("every violation is told at once, of every source", () => {
    const violations = wrong(
      ["--data", "d", "--peer5", "x", "--heartbeat", "50", "loose"],
      { TREFOIL_ZONES: "a", TREFOIL_GROUPS: "0", TREFOIL_RESP: "0.0.0.0:1" },
      {},
    ).join("\n");
    for (const words of [
      /"--peer5": there is no such setting; the nearest is --peer/,
      /--heartbeat: "50" is no duration/,
      /"loose": settings are given as/,
      /TREFOIL_ZONES: there is no such setting; the nearest is TREFOIL_ZONE/,
      /TREFOIL_GROUPS: 0 is not from 1 to 1023/,
      /--resp 0\.0\.0\.0:1: others than this machine/,
      /--id is missing/,
      /neither --peers nor --join/,
    ]) {
      assert.match(violations, words);
    }
  });

  test("a flag without its value", () => {
    assert.match(wrong([...founding, "--zone"]).join("\n"), /--zone lacks its value: --zone NAME/);
    assert.match(wrong(["--data", "--id", "n1"]).join("\n"), /--data lacks its value, "--id" follows/);
    assert.equal(node([...founding, "--data=--odd"]).values.data, "--odd");
  });

  test("names that objects inherit are no settings, wherever they stand", () => {
    assert.match(wrong([...founding, "--constructor", "--__proto__=x"]).join("\n"), /"--constructor".*\n"--__proto__"/);
    const text = '{"__proto__": "x", "toString": "y"}';
    const said = wrong([...founding, "--config", "f"], {}, { f: text }).join("\n");
    assert.match(said, /"__proto__" in f: there is no such setting/);
    assert.match(said, /"toString" in f: there is no such setting/);
  });

  test("variables of other commands, and those that Kubernetes sets for services of our name, are overlooked", () => {
    node(founding, {
      TREFOIL_ENDPOINT: "http://a",
      TREFOIL_TOKEN: "t",
      TREFOIL_NODES: "3",
      TREFOIL_SERVICE_HOST: "10.0.0.1",
      TREFOIL_SERVICE_PORT_HTTP: "8080",
      TREFOIL_PORT: "tcp://10.0.0.1:8080",
      TREFOIL_PORT_8080_TCP_ADDR: "10.0.0.1",
      TREFOIL_PEERS_PORT_7400_TCP: "tcp://10.0.0.2:7400",
      PATH: "/bin",
    });
    assert.match(wrong(founding, { TREFOIL_PORTS: "1" }).join("\n"), /TREFOIL_PORTS: there is no such setting/);
    const port = wrong(founding, { TREFOIL_HTTP_PORT: "9999" }).join("\n");
    assert.match(port, /TREFOIL_HTTP_PORT: there is no such setting; the nearest is TREFOIL_HTTP/);
  });

  for (const [text, words] of [
    ["[]", /holds no JSON object/],
    ["{", /is no JSON/],
    ['{"http": null}', /"http" in f: write text, a number/],
    ['{"peers": [1]}', /"peers" in f: write text/],
    ['{"htttp": "a:1"}', /"htttp" in f: .* nearest is "http"/],
    ['{"config": "g"}', /a file does not name another one/],
    [`{"zone": "${"z".repeat(2 ** 20)}"}`, /larger than a mebibyte/],
  ] as const) {
    test(`a file that holds ${text.slice(0, 20)}`, () =>
      assert.match(wrong([...founding, "--config", "f"], {}, { f: text }).join("\n"), words));
  }

  test("a file that is not there", () =>
    assert.match(wrong([...founding, "--config", "g"]).join("\n"), /--config: "g" cannot be read: no such file/));

  test("a file that cannot be read through is all that is told of what it may have held, with the place in it", () => {
    const text = '{\n  "id": "n1",\n  "data": d\n}\n';
    const told = '--config: "f" is no JSON: at line 3, column 11, there should be a value, not d';
    assert.deepEqual(wrong(["--config", "f"], {}, { f: text }), [told]);
    assert.deepEqual(wrong([], { TREFOIL_CONFIG: "f" }, { f: text }), [told]);
    const more = wrong(["--config", "f", "--heartbeat", "50", "--zome=z"], {}, { f: text });
    assert.equal(more.length, 3, more.join("\n"));
    assert.match(
      more.join("\n"),
      /"--zome": there is no such setting.*\n.*"f" is no JSON.*\n--heartbeat: "50" is no dur/,
    );
    for (const broken of ["", "[]", "z".repeat(2 ** 20 + 1)]) {
      assert.equal(wrong(["--config", "f"], {}, { f: broken }).length, 1, broken.slice(0, 9));
    }
    assert.equal(wrong(["--config", "g"]).length, 1);
  });

  test("a gateway needs seeds", () => {
    assert.match(violationsOf(readGatewaySettings(world([]))).join("\n"), /--seeds is missing: .* TREFOIL_SEEDS/);
    assert.equal(readGatewaySettings(world(["--seeds", "a:7400"])).kind, "settings");
  });
});

describe("secrets", () => {
  const schema = {
    config: optional(file, "A file."),
    token: secret(
      { ...file, parse: (text) => (text === "bad" ? { fault: '"bad" is no token' } : { value: text }) },
      "A token.",
    ),
    insecure: setting(toggle, "false", "A switch."),
    level: setting(word("low", "high"), "low", "A level."),
  };
  const read = (...parameters: Parameters<typeof world>) => readSettings(schema, () => [], world(...parameters));

  test("come from a file that the environment names, and are printed by nothing", () => {
    const found = read([], { TREFOIL_TOKEN_FILE: "t" }, { t: "hush\n" });
    assert.ok(found.kind === "settings");
    assert.equal(found.values.token, "hush");
    const printed = printedSettings(schema, found);
    assert.doesNotMatch(settingsText(printed, true) + settingsJson(printed, true), /hush/);
    assert.match(settingsText(printed, true), /token +\(secret\) +environment TREFOIL_TOKEN_FILE/);
  });

  test("are refused where others see them, and what is wrong with them is told without them", () => {
    for (const [found, words] of [
      [read(["--token", "hush"]), /--token is secret.*TREFOIL_TOKEN_FILE/],
      [read([], { TREFOIL_TOKEN: "hush" }), /TREFOIL_TOKEN is secret/],
      [read(["--config", "f"], {}, { f: '{"token": "hush"}' }), /"token" in f is secret/],
      [read([], { TREFOIL_TOKEN_FILE: "gone" }), /TREFOIL_TOKEN_FILE: "gone" cannot be read/],
      [read([], { TREFOIL_TOKEN_FILE: "t" }, { t: "bad" }), /TREFOIL_TOKEN_FILE: it is no token/],
      [read([], { TREFOIL_LEVEL_FILE: "t" }, { t: "low" }), /TREFOIL_LEVEL_FILE: there is no such setting/],
    ] as const) {
      assert.ok(found.kind === "wrong");
      assert.match(found.violations.join("\n"), words);
      assert.doesNotMatch(found.violations.join("\n"), /hush/);
    }
  });
});
