// Three `trefoild` processes on free ports, as somebody would start them by hand.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningProcess } from "../support/running-process.ts";
import { flagsOf, nodePlaces, trefoild } from "../support/trefoild.ts";
import type { Listener, NodePlace } from "../support/trefoild.ts";

/** Three that start at once on a machine with other work. */
const readyMilliseconds = 60_000;

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
  private readonly places: readonly NodePlace[];
  private readonly started: { readonly number: number; readonly node: RunningProcess }[] = [];

  private constructor(folder: string, places: readonly NodePlace[]) {
    this.folder = folder;
    this.places = places;
  }

  static async make(): Promise<NodeProcesses> {
    const folder = await mkdtemp(join(tmpdir(), "trefoil-processes-"));
    return new NodeProcesses(folder, await nodePlaces(folder, 4));
  }

  /** Node 1, 2 or 3, which found the cluster; or 4, which joins it. Flags that are given beside count more. */
  start(number: number, ...flags: readonly string[]): RunningProcess {
    const node = trefoild([...flagsOf(this.place(number), this.places.slice(0, 3)), ...flags]);
    this.started.push({ number, node });
    return node;
  }

  port(listener: Listener, number: number): number {
    return this.place(number).ports[listener];
  }

  url(listener: Listener, number: number, path: string): string {
    return `http://127.0.0.1:${this.port(listener, number)}${path}`;
  }

  /** Rejects as soon as no process of one of them runs any more. */
  async whenReady(...numbers: readonly number[]): Promise<void> {
    for (const number of numbers) {
      const end = await eventually(async () => {
        const told = numbers.map((each) => this.endOf(each)).find((words) => words !== undefined);
        if (told !== undefined) return told;
        const answer = await fetch(this.url("admin", number, "/readyz"));
        const text = await answer.text();
        if (answer.status !== 200) throw new Error(`n${number} is not ready: ${text}`);
        return undefined;
      }, readyMilliseconds);
      if (end !== undefined) throw new Error(end);
    }
  }

  /** In words; undefined: a process of it runs. One that ended may have been started beside it, or before. */
  private endOf(number: number): string | undefined {
    const all = this.started.filter((each) => each.number === number).map(({ node }) => node);
    const last = all.at(-1);
    if (last === undefined || all.some(({ ending }) => ending === undefined)) return undefined;
    return `n${number} has ended (${JSON.stringify(last.ending)}); it said:\n${last.output}\n${last.errors}`;
  }

  /** Who leads each group, as the node sees it. */
  async leaders(number: number): Promise<readonly (string | null)[]> {
    const view = (await (await fetch(this.url("admin", number, "/-/cluster"))).json()) as {
      groups: readonly { leader: string | null }[];
    };
    return view.groups.map(({ leader }) => leader);
  }

  private place(number: number): NodePlace {
    const place = this.places[number - 1];
    if (place === undefined) throw new Error(`there is no place for n${number}`);
    return place;
  }

  async remove(): Promise<void> {
    await Promise.all(this.started.map(({ node }) => node.kill()));
    await rm(this.folder, { recursive: true, force: true });
  }
}
