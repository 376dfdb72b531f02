// The exact order of a log's disk operations, as golden text: see test/support/text-trace.ts.

import { describe, it } from "node:test";
import { logIndex, term } from "../../internal/base/ids.ts";
import { groupId } from "../../internal/base/ids.ts";
import type { Log } from "../../internal/log/log.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { checkTextTrace, sourceFile } from "../support/text-trace.ts";
import { append, folder, newWorld, open, rest } from "./harness.ts";

const limits = {
  segmentBytes: 4096,
  batchBytesMax: 1024,
  cacheBytesMax: 16_384,
  logBytesMax: 16_384,
  flushWantedBytes: 4096,
};

const modes: Readonly<Record<string, LogOptions["fsync"]>> = {
  always: { kind: "always" },
  interval: { kind: "interval", milliseconds: 10 },
};

describe("log: order of disk operations", () => {
  for (const [name, fsync] of Object.entries(modes)) {
    it(`is as written down, fsync ${name}`, async () => {
      const options = { ...limits, fsync };
      const commands = new TraceCommands(options);
      await checkTextTrace(sourceFile(import.meta.url, `testdata/disk-operations-${name}.txt`), (words) =>
        commands.run(words),
      );
    });
  }
});

/** The commands of the trace files; each answers with the operations that the disk saw meanwhile. */
class TraceCommands {
  private readonly options: Partial<LogOptions>;
  private world = newWorld();
  private log: Log | undefined;

  constructor(options: Partial<LogOptions>) {
    this.options = options;
  }

  async run(words: readonly string[]): Promise<string[]> {
    const [command = "", ...rest] = words;
    const [first = 0, second = 0, third = 0] = rest.map(Number);
    this.world.disk.startTrace(folder);
    await this.execute(command, [first, second, third]);
    return this.world.disk.takeTrace();
  }

  private async execute(command: string, [first, second, third]: readonly [number, number, number]): Promise<void> {
    if (command === "open") this.log = await open(this.world, this.options);
    else if (command === "kill") this.world = newWorld(this.world.disk.cloneAfterKill());
    else await this.executeOn(this.log as Log, command, [first, second, third]);
    await rest();
  }

  private async executeOn(log: Log, command: string, numbers: readonly [number, number, number]): Promise<void> {
    const [first, second, third] = numbers;
    const group = log.group(groupId(first));
    switch (command) {
      // append GROUP COUNT BYTES
      case "append":
        for (let n = 0; n < second; n++) append(group, "x".repeat(third));
        break;
      // vote GROUP TERM VOTE
      case "vote":
        group.setHardState({ term: term(second), vote: third, commit: logIndex(0) });
        break;
      // replace GROUP INDEX TERM
      case "replace":
        append(group, "instead", { index: second, term: third });
        break;
      // flush GROUP
      case "flush":
        group.flushed(group.lastIndex);
        group.compact(group.lastIndex);
        break;
      // snapshot GROUP INDEX TERM
      case "snapshot":
        group.installSnapshot(logIndex(second), term(third));
        break;
      // advance MILLISECONDS
      case "advance":
        this.world.time.advance(first);
        break;
      case "close":
        await log.close();
        break;
      default:
        throw new Error(`no command ${command}`);
    }
  }
}
