// The exact order of a manifest's disk operations, as golden text: see test/support/text-trace.ts. Here with
// lengths and offsets, and on a disk that fails.

import { it } from "node:test";
import { groupId, incarnation } from "../../internal/base/ids.ts";
import { Manifest } from "../../internal/engine/version/manifest.ts";
import { editOf } from "../../internal/engine/version/version-edit.ts";
import type { DiskFailureKind } from "../../internal/platform/disk.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import type { FaultCall } from "../disk/fault-rules.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { checkTextTrace, sourceFile } from "../support/text-trace.ts";
import { manifestFolder, openOn, placeOn } from "./manifest-rig.ts";

const bytesMax = 100;

it("a manifest's disk operations come in the order that is written down", async () => {
  const commands = new ManifestCommands();
  await checkTextTrace(sourceFile(import.meta.url, "testdata/manifest-trace.txt"), (words) => commands.run(words));
});

class ManifestCommands {
  private memory = new MemoryDisk();
  private disk = new FaultDisk(this.memory);
  private manifest: Manifest | undefined;
  private groups = 0;

  /** What the disk saw, and the failure that came of it. */
  async run([command = "", ...words]: readonly string[]): Promise<string[]> {
    this.memory.startTrace(manifestFolder);
    const failure = await this.execute(command, words).then(
      () => undefined,
      (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason))),
    );
    return [...this.memory.takeTrace(), ...(failure === undefined ? [] : [`-> ${failure.message}`])];
  }

  private async execute(command: string, [first = "", second = "", third = ""]: readonly string[]): Promise<void> {
    switch (command) {
      case "create":
        await this.memory.makeFolder(manifestFolder);
        this.manifest = await Manifest.create(placeOn(this.disk, bytesMax));
        return;
      // append: one more group gets an incarnation
      case "append": {
        const number = ++this.groups;
        const place = { group: groupId(number), incarnation: incarnation(number), snapshot: undefined };
        await this.manifest?.append(editOf({ switches: [place] }));
        return;
      }
      case "close":
        return this.manifest?.close();
      // kill: what the process was doing is over, its disk as it left it
      case "kill":
        this.memory = this.memory.cloneAfterKill();
        this.disk = new FaultDisk(this.memory);
        this.memory.startTrace(manifestFolder);
        return;
      case "open":
        this.manifest = await openOn(this.disk, bytesMax);
        return;
      // fail CALL NTH KIND: the nth call of this name from now on
      case "fail": {
        const fault = { kind: "fail", failure: third as DiskFailureKind } as const;
        this.disk.arm({ calls: [first as FaultCall], when: Number(second), fault });
        return;
      }
      default:
        throw new Error(`there is no command ${command}`);
    }
  }
}
