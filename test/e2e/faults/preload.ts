// Syncs that fail or hang, and wall clocks that are off, inside of a node's process: a library that is loaded before all others, compiled
// here, and a page for each node that both sides have mapped.

import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { needProgram } from "../../support/programs.ts";
import { root } from "../../../scripts/root.ts";

const source = join(root, "test", "e2e", "faults", "preload.c");
const pageBytes = 16;
const modes = ["as_ever", "fails", "hangs"] as const;
export type DiskMode = (typeof modes)[number];

export class Preload {
  private readonly library: string;
  private readonly folder: string;
  private readonly pages: readonly number[];

  /** Throws with what is missing where it cannot be compiled. */
  constructor(folder: string, nodes: number) {
    mkdirSync(folder, { recursive: true });
    this.folder = folder;
    this.library = join(folder, "preload.so");
    needProgram("gcc", "gcc", "libc6-dev");
    const words = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", this.library, source, "-ldl"];
    const { status, stderr } = spawnSync("gcc", words, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${source} cannot be compiled: ${stderr}`);
    this.pages = Array.from({ length: nodes }, (_, node) => {
      writeFileSync(this.pageOf(node), new Uint8Array(pageBytes));
      return openSync(this.pageOf(node), "r+");
    });
  }

  environmentOf(node: number): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.library, E2E_FAULTS: this.pageOf(node) };
  }

  disk(node: number, mode: DiskMode): void {
    const said = Buffer.alloc(4);
    said.writeInt32LE(modes.indexOf(mode));
    this.write(node, said, 0);
  }

  clock(node: number, milliseconds: number): void {
    const said = Buffer.alloc(8);
    said.writeBigInt64LE(BigInt(milliseconds));
    this.write(node, said, 8);
  }

  close(): void {
    for (const page of this.pages) closeSync(page);
  }

  private write(node: number, bytes: Uint8Array, at: number): void {
    const page = this.pages[node];
    if (page === undefined) throw new Error(`there is no node ${node}`);
    writeSync(page, bytes, 0, bytes.length, at);
  }

  private pageOf(node: number): string {
    return join(this.folder, `page-${node}`);
  }
}
