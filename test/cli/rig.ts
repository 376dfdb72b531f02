// A cluster of processes for the commands, and a command line that knows where it is.

import { NodeProcesses } from "../daemon/node-processes.ts";
import type { RunningProcess } from "../support/running-process.ts";
import { Trefoil } from "./run-trefoil.ts";

/** Patient enough for a machine on which everything else is tested at the same time. */
const calm = ["--groups=4", "--heartbeat=200ms", "--election-timeout=2s"];

export class CliRig {
  /** Asks n1, and n2 when n1 cannot. */
  readonly trefoil: Trefoil;
  readonly nodes: NodeProcesses;
  readonly processes: readonly RunningProcess[];

  private constructor(nodes: NodeProcesses, processes: readonly RunningProcess[]) {
    this.nodes = nodes;
    this.processes = processes;
    this.trefoil = new Trefoil([1, 2].map((number) => `127.0.0.1:${nodes.port("http", number)}`).join(","));
  }

  static async open(): Promise<CliRig> {
    const nodes = await NodeProcesses.make();
    const processes = [1, 2, 3].map((number) => nodes.start(number, ...calm));
    try {
      await nodes.whenReady(1, 2, 3);
    } catch (failure) {
      // Nobody else knows of its processes, and the test's would wait for them.
      await nodes.remove();
      throw failure;
    }
    return new CliRig(nodes, processes);
  }

  close(): Promise<void> {
    return this.nodes.remove();
  }
}
