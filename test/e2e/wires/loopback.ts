// Nothing between the nodes but the loopback interface, of which nothing can be cut.

import type { Wires } from "./wires.ts";

const host = "127.0.0.1";

function cannot(): Promise<void> {
  throw new Error("the loopback interface is not the test's to change");
}

export const loopbackWires: Wires = {
  hostOf: () => host,
  before: () => [],
  peerPortOf: (_node, listening) => listening,
  started: () => undefined,
  cut: cannot,
  lose: cannot,
  slow: cannot,
  heal: cannot,
  close: () => Promise.resolve(),
};
