// What is proposed for ports that are taken.

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { readDevSettings } from "../../../internal/config/read-settings.ts";
import type { DevValues } from "../../../internal/config/values.ts";
import { freePorts } from "../../../test/support/free-ports.ts";
import { loopback, planOf } from "./plan.ts";
import { busyPorts } from "./ports.ts";

function valuesOf(...commandArguments: readonly string[]): DevValues {
  const found = readDevSettings({ commandArguments, environment: {}, readFile: () => "", mistakeIn: () => "" });
  assert.equal(found.kind, "settings", JSON.stringify(found));
  return (found as { readonly values: DevValues }).values;
}

function listenOn(port: number): Promise<() => Promise<unknown>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    const close = (): Promise<unknown> => new Promise((closed) => server.close(closed));
    server.once("error", reject);
    server.listen(port, loopback, () => resolve(close));
  });
}

describe("ports that are taken", () => {
  it("are told with others that can be taken all together, as the ports of a second cluster", async () => {
    // As the defaults lie to one another: what is proposed for the one would be what is proposed for the other.
    const peer = await freePorts(310);
    const flags = [`--peer=${peer}`, `--grpc=${peer + 100}`, `--http=${peer + 5}`, `--admin=${peer + 105}`];
    const values = valuesOf(...flags);
    const closes = await Promise.all([peer, peer + 100, peer + 5, peer + 105].map(listenOn));
    const told = await busyPorts(planOf(values));
    await Promise.all(closes.map((close) => close()));
    const proposed = told.map((words) => /; choose others with (--\w+) (\d+)$/.exec(words)?.slice(1).join("="));
    assert.equal(proposed.length, 4, told.join("\n"));
    valuesOf(...proposed.map(String));
  });
});
