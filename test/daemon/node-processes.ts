// Three `trefoild` processes on free ports, as somebody would start them by hand.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePorts } from "../support/free-ports.ts";
import { RunningProcess } from "../support/running-process.ts";

const script = "dist/cmd/trefoild/main.js";

export function trefoild(...flags: readonly string[]): RunningProcess {
  return new RunningProcess(process.execPath, [script, ...flags]);
}

/** Ends when it holds, or throws what went wrong last. */
export async function eventually<T>(look: () => Promise<T>, milliseconds = 30_000): Promise<T> {
  const until = Date.now() + milliseconds;
  for (;;) {
    try {
      return await look();
    } catch (failure) {
      if (Date.now() > until) throw failure;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

export class NodeProcesses {
  readonly folder: string;
  private readonly first: number;
  private readonly started: RunningProcess[] = [];

  private constructor(folder: string, first: number) {
    this.folder = folder;
    this.first = first;
  }

  static async make(): Promise<NodeProcesses> {
    return new NodeProcesses(await mkdtemp(join(tmpdir(), "trefoil-processes-")), await freePorts(16));
  }

  /** Node 1, 2 or 3, which found the cluster; or 4, which joins it. Flags that are given beside count more. */
  start(number: number, ...flags: readonly string[]): RunningProcess {
    const peers = [1, 2, 3].map((each) => `n${each}=127.0.0.1:${this.port("peer", each)}`);
    const node = trefoild(
      `--id=n${number}`,
      `--data=${join(this.folder, `n${number}`)}`,
      number <= 3 ? `--peers=${peers.join(",")}` : `--join=127.0.0.1:${this.port("peer", 2)}`,
      `--peer=127.0.0.1:${this.port("peer", number)}`,
      `--http=127.0.0.1:${this.port("http", number)}`,
      `--admin=127.0.0.1:${this.port("admin", number)}`,
      `--grpc=127.0.0.1:${this.port("grpc", number)}`,
      ...flags,
    );
    this.started.push(node);
    return node;
  }

  port(listener: "peer" | "http" | "admin" | "grpc", number: number): number {
    return this.first + { peer: 0, http: 4, admin: 8, grpc: 12 }[listener] + number - 1;
  }

  url(listener: "http" | "admin", number: number, path: string): string {
    return `http://127.0.0.1:${this.port(listener, number)}${path}`;
  }

  async whenReady(...numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      await eventually(async () => {
        const answer = await fetch(this.url("admin", number, "/readyz"));
        const text = await answer.text();
        if (answer.status !== 200) throw new Error(`n${number} is not ready: ${text}`);
      });
    }
  }

  /** Who leads each group, as the node sees it. */
  async leaders(number: number): Promise<readonly (string | null)[]> {
    const view = (await (await fetch(this.url("admin", number, "/-/cluster"))).json()) as {
      groups: readonly { leader: string | null }[];
    };
    return view.groups.map(({ leader }) => leader);
  }

  async remove(): Promise<void> {
    await Promise.all(this.started.map((node) => node.kill()));
    await rm(this.folder, { recursive: true, force: true });
  }
}
