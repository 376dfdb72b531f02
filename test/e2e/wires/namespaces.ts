// A network namespace for each node, on one bridge: what the kernel drops and delays is dropped and delayed as on a real wire.
//
//   this process, in a namespace of its own          .254 ─ bridge ─┬─ veth ─ n1 .1
//                                                                   ├─ veth ─ n2 .2
//                                                                   └─ veth ─ n3 .3
//
// None has a name: each lives as long as the process that holds it, so nothing is left whatever ends this one.

import { execFile, spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { readlinkSync } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import { endsWithThisProcess } from "../../support/children.ts";
import { needProgram } from "../../support/programs.ts";
import type { Wires } from "./wires.ts";

const run = promisify(execFile);

const network = "10.213.0";
const bridge = "trefoil0";
const device = "eth0";
const bucketBytes = 32 * 1024;
const queueMilliseconds = 400;
const enteredName = "E2E_NAMESPACE_OF";

/** Why they cannot be had here; undefined: they can. */
export function namespacesMissing(): string | undefined {
  if (process.platform !== "linux") return `${process.platform} has no network namespaces`;
  const tried = spawnSync("unshare", ["--net", "ip", "link", "set", "lo", "up"], { encoding: "utf8" });
  if (tried.status !== 0) return `a network namespace cannot be made: ${(tried.error?.message ?? tried.stderr).trim()}`;
  try {
    needProgram("iptables", "iptables");
  } catch (failure) {
    return failure instanceof Error ? failure.message : String(failure);
  }
  return undefined;
}

/** Whether this process runs in a namespace that was made for it. */
export const isInside = (): boolean => {
  const outer = process.env[enteredName];
  return outer !== undefined && outer !== ownNamespace();
};

/** This very command once more, in a namespace of its own, in which mounts are its own, too. Resolves with its exit code. */
export function enterNamespace(): Promise<number> {
  const words = ["--net", "--mount", "--", process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const environment = { ...process.env, [enteredName]: ownNamespace() };
  const child = spawn("unshare", words, { stdio: "inherit", env: environment });
  endsWithThisProcess(child, () => void child.kill("SIGTERM"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

const outerOf = (node: number): string => `${bridge}n${node + 1}`;

const ownNamespace = (): string => readlinkSync("/proc/self/ns/net");

export class Namespaces implements Wires {
  private readonly holders: readonly ChildProcess[];

  private constructor(holders: readonly ChildProcess[]) {
    this.holders = holders;
  }

  /** Only inside of a namespace of its own: whatever this makes would be the machine's otherwise. */
  static async open(nodes: number): Promise<Namespaces> {
    if (!isInside()) throw new Error("the network of this machine is not the test's to change");
    await ip("link", "set", "lo", "up");
    await ip("link", "add", bridge, "type", "bridge");
    await ip("address", "add", `${network}.254/24`, "dev", bridge);
    await ip("link", "set", bridge, "up");
    const holders = await Promise.all(Array.from({ length: nodes }, holder));
    const made = new Namespaces(holders);
    for (let node = 0; node < nodes; node++) await made.connect(node);
    return made;
  }

  hostOf(node: number): string {
    return `${network}.${node + 1}`;
  }

  before(node: number): readonly string[] {
    return ["nsenter", `--net=/proc/${this.pidOf(node)}/ns/net`, "--"];
  }

  peerPortOf(_node: number, listening: number): number {
    return listening;
  }

  started(): void {
    // The kernel knows whose packets are whose.
  }

  async cut(from: number, to: number): Promise<void> {
    // Several cuts are made at once, and iptables waits for itself only when it is told to.
    await this.inside(to, "iptables", "--wait", "--append", "INPUT", "--source", this.hostOf(from), "--jump", "DROP");
  }

  async lose(percent: number): Promise<void> {
    const chance = ["--match", "statistic", "--mode", "random", "--probability", String(percent / 100)];
    for (const to of this.holders.keys()) {
      for (const from of this.holders.keys()) {
        if (from === to) continue;
        const source = this.hostOf(from);
        await this.inside(to, "iptables", "--append", "INPUT", "--source", source, ...chance, "--jump", "DROP");
      }
    }
  }

  async slow(node: number, bytesPerSecond: number): Promise<void> {
    const rate = ["rate", `${8 * bytesPerSecond}bit`, "burst", String(bucketBytes)];
    const queue = ["latency", `${queueMilliseconds}ms`];
    await this.inside(node, "tc", "qdisc", "replace", "dev", device, "root", "tbf", ...rate, ...queue);
  }

  async heal(): Promise<void> {
    for (const node of this.holders.keys()) {
      await this.inside(node, "iptables", "--flush");
      const { stdout } = await this.inside(node, "tc", "qdisc", "show", "dev", device);
      if (stdout.includes("tbf")) await this.inside(node, "tc", "qdisc", "delete", "dev", device, "root");
    }
  }

  async close(): Promise<void> {
    // The kernel takes its time to undo a namespace: what has a name here goes first, for the next one has it, too.
    for (const node of this.holders.keys()) await ip("link", "delete", outerOf(node));
    for (const each of this.holders) each.kill("SIGKILL");
    await ip("link", "delete", bridge);
  }

  private async connect(node: number): Promise<void> {
    const outer = outerOf(node);
    const peer = ["peer", "name", device, "netns", String(this.pidOf(node))];
    await ip("link", "add", outer, "type", "veth", ...peer);
    await ip("link", "set", outer, "master", bridge, "up");
    await this.inside(node, "ip", "address", "add", `${this.hostOf(node)}/24`, "dev", device);
    await this.inside(node, "ip", "link", "set", device, "up");
    await this.inside(node, "ip", "link", "set", "lo", "up");
  }

  private inside(node: number, program: string, ...words: readonly string[]): Promise<{ readonly stdout: string }> {
    const [command = "", ...before] = this.before(node);
    return run(command, [...before, program, ...words]);
  }

  private pidOf(node: number): number {
    const pid = this.holders[node]?.pid;
    if (pid === undefined) throw new Error(`there is no node ${node}`);
    return pid;
  }
}

/** A process that does nothing but live, in a namespace of its own. */
async function holder(): Promise<ChildProcess> {
  // It says so when it is inside, and ends when its input does, which is when this process does.
  const child = spawn("unshare", ["--net", "sh", "-c", "echo inside; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  endsWithThisProcess(child);
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`the holder of a namespace ended with exit code ${code}`)));
    child.stdout.once("data", () => resolve());
  });
  return child;
}

async function ip(...words: readonly string[]): Promise<void> {
  await run("ip", words);
}
