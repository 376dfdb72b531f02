// The exact order of an engine's disk operations, as golden text: see test/support/text-trace.ts. Lengths
// and offsets are left out, for they belong to the formats.

import { it } from "node:test";
import { groupId } from "../../internal/base/ids.ts";
import type { Incarnation } from "../../internal/base/ids.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { checkTextTrace, sourceFile } from "../support/text-trace.ts";
import { engineFolder, EngineLife } from "./engine-life.ts";
import { ManualTime, seamsOn, tinyOptions } from "./engine-rig.ts";

const options: Partial<EngineOptions> = { ...tinyOptions, tableBytes: 4096, manifestBytesMax: 1040 };

it("an engine's disk operations come in the order that is written down", async () => {
  const commands = new TraceCommands();
  await checkTextTrace(sourceFile(import.meta.url, "testdata/disk-operations.txt"), (words) => commands.run(words));
});

class TraceCommands {
  private readonly time = new ManualTime();
  private disk = new MemoryDisk();
  private life: EngineLife | undefined;

  /** The operations that the disk saw until nothing moved any more. */
  async run(words: readonly string[]): Promise<string[]> {
    const [command = "", first = "", second = ""] = words;
    if (command === "kill") this.disk = this.disk.cloneAfterKill();
    this.disk.startTrace(engineFolder);
    if (command === "open" || command === "kill") {
      const seams = seamsOn(this.disk, this.time, 1);
      this.life = await EngineLife.open({ seams, engine: options }, this.life?.logs);
    } else {
      await this.execute(this.life as EngineLife, command, [first, second]);
    }
    for (let turns = 0; turns < 5; turns++) await new Promise((resolve) => setImmediate(resolve));
    return this.disk.takeTrace().map((line) => line.replace(/ @\d+$/, "").replace(/^(write \S+) [\d+]+$/, "$1"));
  }

  private async execute(life: EngineLife, command: string, [first, second]: readonly [string, string]): Promise<void> {
    const { engine } = life;
    const group = groupId(Number(first));
    const place = (): Incarnation => engine.placeOf(group)?.incarnation as Incarnation;
    switch (command) {
      // create GROUP
      case "create":
        await life.create(group);
        return;
      // write GROUP COUNT
      case "write":
        return life.fill(place(), Number(second), 300);
      case "flush":
        return engine.flush();
      case "settle":
        return engine.settle();
      // compact GROUP
      case "compact":
        return engine.compactRange(place());
      // install GROUP COUNT: a snapshot of so many records
      case "install":
        await life.install(group, { tables: 1, perTable: Number(second), index: 5 });
        return;
      // drop GROUP
      case "drop":
        return engine.dropIncarnation(group);
      // checkpoint FOLDER
      case "checkpoint":
        await engine.checkpoint(first);
        return;
      // stray NAME
      case "stray":
        this.disk.put(`${engineFolder}/${first}`, new Uint8Array(10));
        return;
      case "close":
        return engine.close();
      default:
        throw new Error(`there is no command ${command}`);
    }
  }
}
