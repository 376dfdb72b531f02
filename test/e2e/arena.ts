// A cluster of real processes, what lies between them, the disks below them, and all that can be done to them. Nodes have numbers, from 0 on.

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Prng } from "../../internal/base/prng.ts";
import { Preload } from "./faults/preload.ts";
import { SmallDisk } from "./faults/small-disk.ts";
import { HttpClient } from "./http-client.ts";
import { now, rest } from "./moments.ts";
import { ClusterProcesses } from "./processes.ts";
import type { NodePlace } from "../support/trefoild.ts";
import { turnABit } from "../support/turned-bit.ts";
import type { Wires } from "./wires/wires.ts";

export const nodeCount = 3;
const groupCount = 4;
const smallDiskBytes = 256 * 1024 * 1024;
const healMilliseconds = 60_000;
const pollMilliseconds = 100;
const askMilliseconds = 3000;

/** What a fault needs beside processes. */
export interface Needs {
  /** Disks and clocks of processes are in our hands. */
  readonly preload?: boolean;
  /** Each node has a small disk of its own. */
  readonly smallDisks?: boolean;
  /** More flags for each node. */
  readonly flags?: readonly string[];
}

/** A time in which a node was cut off from all others. */
export interface Spell {
  readonly node: number;
  readonly from: number;
  readonly to: number;
}

export class Arena {
  readonly processes: ClusterProcesses;
  readonly wires: Wires;
  readonly random: Prng;
  readonly spells: Spell[] = [];
  private readonly folder: string;
  private readonly disks: readonly SmallDisk[];
  private readonly preload: Preload | undefined;
  private readonly http = new HttpClient(askMilliseconds);

  private constructor(parts: Pick<Arena, "processes" | "wires" | "random"> & ArenaParts) {
    this.processes = parts.processes;
    this.wires = parts.wires;
    this.random = parts.random;
    this.folder = parts.folder;
    this.disks = parts.disks;
    this.preload = parts.preload;
  }

  static async open(wires: Wires, random: Prng, needs: Needs): Promise<Arena> {
    const { preload = false, smallDisks = false, flags = [] } = needs;
    const folder = await mkdtemp(join(tmpdir(), "trefoil-e2e-"));
    const loaded = preload ? new Preload(join(folder, "preload"), nodeCount) : undefined;
    const environmentOf = (node: number): Readonly<Record<string, string>> => loaded?.environmentOf(node) ?? {};
    const processes = await ClusterProcesses.make({
      nodes: nodeCount,
      groups: groupCount,
      wires,
      environmentOf,
      folder,
      flags,
    });
    const disks = smallDisks ? processes.places.map((place) => new SmallDisk(place.folder, smallDiskBytes)) : [];
    return new Arena({ processes, wires, random, folder, disks, preload: loaded });
  }

  get nodes(): readonly number[] {
    return this.processes.places.map((_, node) => node);
  }

  placeOf(node: number): NodePlace {
    const place = this.processes.places[node];
    if (place === undefined) throw new Error(`there is no node ${node}`);
    return place;
  }

  idOf(node: number): string {
    return this.placeOf(node).id;
  }

  anyNode(): number {
    return this.random.pick(this.nodes);
  }

  /** A node that leads one of the groups that have keys. */
  async leader(): Promise<number> {
    return this.random.pick(await this.leadersOfAll());
  }

  /** A node that leads fewer of them than any other. */
  async follower(): Promise<number> {
    const leaders = await this.leadersOfAll();
    const led = (node: number): number => leaders.filter((each) => each === node).length;
    return this.nodes.toSorted((left, right) => led(left) - led(right))[0] as number;
  }

  /** Of the groups that have keys it leads none any more. */
  async untilItLeadsNone(node: number): Promise<void> {
    await this.until(`others lead all that ${this.idOf(node)} led`, async () => {
      return (await this.leadersOfAll()).includes(node) ? undefined : true;
    });
  }

  /** Of the group that this key belongs to. */
  leaderOf(key: string): Promise<number> {
    return this.until(`somebody leads the group of ${key}`, async () => {
      for (const { host, ports } of this.processes.places) {
        const said = await this.http.ask({ host, port: ports.http, method: "GET", path: `/-/explain/${key}` });
        if (said.kind !== "answered" || said.status !== 200) continue;
        const { group } = JSON.parse(said.body) as { readonly group: { readonly leader: string | null } };
        return this.nodes.find((node) => this.idOf(node) === group.leader);
      }
      return undefined;
    });
  }

  private leadersOfAll(): Promise<readonly number[]> {
    return this.until("somebody leads each group", async () => {
      const seen = await this.leaders();
      const known = seen.slice(1).filter((each) => each !== undefined);
      return known.length === groupCount ? known : undefined;
    });
  }

  /** Of each group, group 0 before all, as the first node that answers sees it. */
  private async leaders(): Promise<readonly (number | undefined)[]> {
    for (const { host, ports } of this.processes.places) {
      const said = await this.http.ask({ host, port: ports.admin, method: "GET", path: "/-/cluster" });
      if (said.kind !== "answered" || said.status !== 200) continue;
      const { groups } = JSON.parse(said.body) as { readonly groups: readonly { readonly leader: string | null }[] };
      return groups.map(({ leader }) => this.nodes.find((node) => this.idOf(node) === leader));
    }
    return [];
  }

  start(node: number): void {
    this.processes.start(this.idOf(node));
  }

  kill(node: number): Promise<void> {
    return this.processes.kill(this.idOf(node));
  }

  /** As an operator does. */
  async stop(node: number): Promise<void> {
    const code = await this.processes.stop(this.idOf(node));
    if (code !== 0) throw new Error(`${this.idOf(node)} ended with exit code ${code} when it was told to stop`);
  }

  /** It stands still for so long. */
  async pauseFor(node: number, milliseconds: number): Promise<void> {
    this.processes.pause(this.idOf(node));
    try {
      await rest(milliseconds);
    } finally {
      this.processes.resume(this.idOf(node));
    }
  }

  /** Resolves when its process ended by itself. */
  async untilItEnds(node: number): Promise<void> {
    const id = this.idOf(node);
    await this.until(`${id} ends by itself`, async () => (this.processes.isRunning(id) ? undefined : true));
    const code = this.processes.exitCodeOf(id);
    if (code !== 1) throw new Error(`${id} ended with exit code ${code}, not as one that failed`);
  }

  async wipe(node: number): Promise<void> {
    await rm(this.folderOf(node), { recursive: true });
  }

  /** A bit in the middle of its log is turned: not where a power cut could have torn it. */
  async damage(node: number): Promise<void> {
    const folder = join(this.folderOf(node), "log");
    const segments = (await readdir(folder)).filter((name) => /^\d+\.log$/.test(name)).sort();
    const path = join(folder, segments[0] ?? "");
    await turnABit(path);
    // What an earlier round left is removed, as an operator does who has looked at it: a node sets nothing aside a second time.
    for (const name of await readdir(this.folderOf(node))) {
      if (name.startsWith("damaged-")) await rm(join(this.folderOf(node), name), { recursive: true });
    }
  }

  get control(): Preload {
    if (this.preload === undefined) throw new Error("this fault did not say that it needs the library");
    return this.preload;
  }

  smallDisk(node: number): SmallDisk {
    const disk = this.disks[node];
    if (disk === undefined) throw new Error("this fault did not say that it needs small disks");
    return disk;
  }

  /** Cut off from all others, both ways unless said otherwise, for so long. */
  async cutFor(node: number, pairs: readonly (readonly [number, number])[], milliseconds: number): Promise<void> {
    await Promise.all(pairs.map(([from, to]) => this.wires.cut(from, to)));
    const from = now();
    await rest(milliseconds);
    this.spells.push({ node, from, to: now() });
    await this.wires.heal();
  }

  /** Every node says that it is ready, every group is led, and every node answers a strong read. */
  async untilHealed(): Promise<void> {
    for (const node of this.nodes) {
      await this.until(`${this.idOf(node)} is ready`, async () => ((await this.isReady(node)) ? true : undefined));
    }
    await this.leader();
  }

  async until<T>(what: string, look: () => Promise<T | undefined>, milliseconds = healMilliseconds): Promise<T> {
    const deadline = now() + milliseconds;
    for (;;) {
      const seen = await look();
      if (seen !== undefined) return seen;
      if (now() > deadline) {
        const words = this.nodes.map((node) => `${this.idOf(node)}:\n${this.processes.lastWordsOf(this.idOf(node))}`);
        throw new Error(`not after ${milliseconds} ms: ${what}\n${words.join("\n")}`);
      }
      await rest(pollMilliseconds);
    }
  }

  async close(): Promise<void> {
    this.http.close();
    await this.processes.killAll();
    await this.wires.close();
    this.preload?.close();
    for (const disk of this.disks) disk.unmount();
    await rm(this.folder, { recursive: true });
  }

  private async isReady(node: number): Promise<boolean> {
    const { host, ports } = this.placeOf(node);
    const ready = await this.http.ask({ host, port: ports.admin, method: "GET", path: "/readyz" });
    if (ready.kind !== "answered" || ready.status !== 200) return false;
    const read = await this.http.ask({ host, port: ports.http, method: "GET", path: "/any?consistency=strong" });
    return read.kind === "answered" && (read.status === 200 || read.status === 404);
  }

  private folderOf(node: number): string {
    return this.placeOf(node).folder;
  }
}

interface ArenaParts {
  readonly folder: string;
  readonly disks: readonly SmallDisk[];
  readonly preload: Preload | undefined;
}
