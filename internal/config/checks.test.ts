// What settings must be to one another: each check has a case that fails and, by the first tests, one that passes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readDevSettings, readGatewaySettings, readNodeSettings } from "./read-settings.ts";

const nothing = { environment: {}, readFile: () => "", mistakeIn: () => "" };
const founding = ["--id=n1", "--data=d", "--peers=n1=a:7400,n2=b:1,n3=c:1"];
const joining = ["--id=n1", "--data=d", "--join=a:1"];

const commands = { node: readNodeSettings, dev: readDevSettings, gateway: readGatewaySettings };

function violationsOf(command: keyof typeof commands, commandArguments: readonly string[]): readonly string[] {
  const read = commands[command]({ ...nothing, commandArguments });
  return read.kind === "wrong" ? read.violations : [];
}

describe("settings beside one another", () => {
  for (const [command, ...flags] of [
    ["node", ...founding],
    ["node", ...joining],
    ["node", ...founding, "--http=0.0.0.0:8080", "--insecure"],
    ["node", ...joining, "--peer=0.0.0.0:7400", "--insecure", "--advertise=n1.example"],
    ["node", ...joining, "--peer=0.0.0.0:7400", "--insecure", "--advertise-peer=n1.example:7400"],
    ["node", ...founding, "--http=127.0.0.1:0", "--resp=127.0.0.1:0"],
    ["node", ...founding, "--peer=10.0.0.1:7400", "--insecure"],
    ["node", ...founding, "--peer=127.0.0.1:0"],
    ["node", "--id=n2", "--data=d", "--peers=n1=a:7400,n2=b:7401,n3=c:7402"],
    ["node", ...founding, "--peer=127.0.0.1:9", "--advertise-peer=a:7400"],
    ["node", ...joining, "--peer=127.0.0.1:9"],
    ["node", ...founding, "--http=127.0.0.1:80", "--resp=127.0.0.2:80"],
    ["node", ...founding, "--http=127.0.0.1:7379"],
    ["node", ...founding, "--heartbeat=100ms", "--election-timeout=300ms"],
    ["node", ...founding, "--max-value-bytes=8MiB"],
    ["node", ...founding, "--max-clock-offset=400d"],
    ["dev"],
    ["dev", "--nodes=5", "--http=65531"],
    ["dev", "--http=7379"],
    ["gateway", "--seeds=a:1,b:1"],
  ] as readonly (readonly ["node" | "dev" | "gateway", ...string[]])[]) {
    test(`pass: ${command} ${flags.slice(-2).join(" ")}`, () => assert.deepEqual(violationsOf(command, flags), []));
  }

  for (const [flags, words] of [
    [[...founding, "--join=a:1"], /both given/],
    [[...joining, "--groups=4"], /leave --groups out/],
    [["--id=n1", "--data=d", "--peers=n1=a:7400,n2=b:1"], /names 2, and a cluster begins with 3/],
    [["--id=n4", "--data=d", "--peers=n1=a:1,n2=b:1,n3=c:1"], /not this node; add n4=/],
    [["--id=n1", "--data=d", "--peers=n1=a:7400,n1=b:7400,n3=c:1"], /names n1 twice/],
    [["--id=n1", "--data=d", "--peers=n1=a:7400,n2=a:7400,n3=c:1"], /has a:7400 twice/],
    [["--id=n1", "--data=d", "--peers=n1=a:7400,n2=0.0.0.0:1,n3=c:1"], /nobody can dial 0\.0\.0\.0:1 of n2/],
    [
      ["--id=n2", "--data=d", "--peers=n1=a:7400,n2=[::1]:7401,n3=a:7402", "--peer=127.0.0.1:7400"],
      /--peers has n2 at \[::1\]:7401, and --peer 127\.0\.0\.1:7400 listens on another port: give --peer 127\.0\.0\.1:7401, .* --advertise-peer \[::1\]:7401/,
    ],
    [[...founding, "--peer=127.0.0.1:9"], /give --peer 127\.0\.0\.1:7400, or correct --peers/],
    [[...founding, "--http=127.0.0.1:7400"], /--http and --peer both take port 7400/],
    [["--id=n1", "--data=d", "--peers=n1=a:8080,n2=b:1,n3=c:1"], /--http and --peer both take port 8080/],
    [[...founding, "--peer=127.0.0.1:9", "--advertise=a"], /give --peer 127\.0\.0\.1:7400/],
    [
      [...founding, "--http=10.0.0.1:8080", "--admin=[::]:9400"],
      /--http 10\.0\.0\.1:8080, --admin \[::\]:9400: others.*--insecure/,
    ],
    [[...founding, "--http=127.0.0.1:80", "--admin=127.0.0.1:80"], /--http and --admin both take port 80/],
    [[...founding, "--http=127.0.0.1:80", "--resp=127.0.0.1:80"], /--http and --resp both take port 80/],
    [[...founding, "--insecure", "--http=0.0.0.0:80", "--admin=127.0.0.1:80"], /both take port 80/],
    [[...joining, "--insecure", "--peer=0.0.0.0:7400"], /--peer 0\.0\.0\.0:7400 is no address.*--advertise-peer/],
    [[...joining, "--advertise=0.0.0.0"], /--advertise 0\.0\.0\.0: nobody can dial it/],
    [[...joining, "--advertise-http=[::]:80"], /--advertise-http \[::\]:80: nobody can dial it/],
    [[...founding, "--heartbeat=55ms"], /55ms is no multiple of 10ms; write 60ms/],
    [[...founding, "--heartbeat=150ms"], /--election-timeout 300ms is below three times --heartbeat 150ms.*to 450ms/],
    [[...founding, "--max-clock-skew=5s", "--max-clock-offset=1s"], /--max-clock-skew 5s is above/],
    [[...founding, "--salvage-window=10s", "--election-timeout=5s"], /--salvage-window 10s is below four times/],
    [[...founding, "--max-value-bytes=8MiB", "--memtable-bytes=8MiB"], /raise it to 16MiB/],
    [[...founding, "--max-body-bytes=1MiB"], /--max-body-bytes 1MiB holds not one value/],
  ] as const) {
    test(`are refused: ${flags.slice(2).join(" ")}`, () => {
      const violations = violationsOf("node", flags);
      assert.equal(violations.length, 1, violations.join("\n"));
      assert.match(violations[0] as string, words);
    });
  }

  test("the ports of all nodes of a cluster for development", () => {
    assert.match(violationsOf("dev", ["--nodes=5", "--http=65532"]).join("\n"), /ports up to 65536/);
    assert.match(violationsOf("dev", ["--http=7399"]).join("\n"), /--http 7399 and --peer 7400: each takes 3 ports/);
  });

  test("a gateway is bound by the same rule", () =>
    assert.match(violationsOf("gateway", ["--seeds=a:1", "--http=0.0.0.0:8080"]).join("\n"), /--insecure/));
});
