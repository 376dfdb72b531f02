// What the data of the group must be, at any applied index: committed entries, applied once more, one by one, to records in plain
// maps. No log, no engine, no snapshot and no restart lies in between, so whatever these lose or mix up shows as a difference.
// (What the applying itself does wrong, it does here as well: that is for the judges of histories to find.)

import { logIndex } from "../../internal/base/ids.ts";
import type { LogIndex } from "../../internal/base/ids.ts";
import { incarnationBytes } from "../../internal/base/limits.ts";
import { decodeCell } from "../../internal/engine/cell.ts";
import type { DecodedCell } from "../../internal/engine/cell.ts";
import type { Engine } from "../../internal/engine/engine.ts";
import type { EngineRecord } from "../../internal/engine/reader.ts";
import type { WriteBatch } from "../../internal/engine/write-batch.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import { indexOf } from "../../internal/log/record.ts";
import type { RecordSlot, RecordView } from "../../internal/log/record.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import { Applier } from "../../internal/replica/applier.ts";
import { compareVersions } from "../../internal/replica/answer.ts";
import { userArea } from "../../internal/replica/areas.ts";
import { keyName } from "../../internal/replica/decide.ts";
import { GroupState } from "../../internal/replica/group-state.ts";
import { versionName } from "./history.ts";
import { expectThat } from "./violation.ts";

const incarnation = 1 as Parameters<Engine["getNow"]>[0];
const readBytes = 256 * 1024;

interface Known {
  /** The entry that wrote it. */
  readonly at: number;
  readonly cell: DecodedCell;
}

export class Reference {
  private readonly state: GroupState;
  private readonly applier: Applier;
  private readonly records = new Map<string, Known[]>();
  private entry: RecordView = { bytes: new Uint8Array(0), start: 0, end: 0 };
  private isReading = false;

  constructor(first: Configuration) {
    this.state = new GroupState(first);
    const events = { onAnswer: () => undefined, onMerged: () => undefined };
    // What the applier asks of them, and nothing else.
    const log = { find: (_: LogIndex, slot: RecordSlot) => this.find(slot) } as unknown as GroupLog;
    const engine = {
      canWrite: () => true,
      write: (batch: WriteBatch) => this.write(batch),
      getNow: (_: number, key: Uint8Array) => this.recordOf(keyName(key)),
      raiseGarbageHorizon: () => undefined,
    } as unknown as Engine;
    this.applier = new Applier({ log, engine, incarnation, state: this.state }, events);
  }

  /** The last entry that is applied here. */
  get index(): number {
    return this.state.last.index;
  }

  /** A replica has applied its log up to `applied`: goes after it, as far as the log has the entries in memory; else later. */
  follow(log: GroupLog, applied: LogIndex): void {
    const slot: RecordSlot = { bytes: new Uint8Array(0), start: 0, end: 0 };
    while (this.index < applied) {
      if (!log.find(logIndex(this.index + 1), slot)) return this.readLater(log, applied);
      this.take(slot);
    }
  }

  /** As of the entry `index`, which must be applied here; undefined: nothing was ever written there. */
  at(name: string, index: number): DecodedCell | undefined {
    return this.records.get(name)?.findLast(({ at }) => at <= index)?.cell;
  }

  get names(): Iterable<string> {
    return this.records.keys();
  }

  private readLater(log: GroupLog, applied: LogIndex): void {
    if (this.isReading || log.firstIndex > this.index + 1) return;
    this.isReading = true;
    log.read(logIndex(this.index + 1), applied, readBytes).then(
      (read) => {
        this.isReading = false;
        if (read.kind !== "entries") return;
        for (const view of read.entries) if (indexOf(view.bytes, view.start) === this.index + 1) this.take(view);
      },
      // Its node may be gone; another one will do.
      () => (this.isReading = false),
    );
  }

  private take(view: RecordView): void {
    this.entry = view;
    this.applier.applyNow(logIndex(this.index + 1));
  }

  private find(slot: RecordSlot): boolean {
    Object.assign(slot, this.entry);
    return true;
  }

  private write(batch: WriteBatch): void {
    const at = this.index;
    batch.forEach(1, ({ keyBytes, keyStart, keyEnd, cellBytes, cellStart, cellEnd }) => {
      const name = keyName(keyBytes.subarray(keyStart + incarnationBytes, keyEnd));
      const cell = decodeCell(cellBytes.slice(cellStart, cellEnd), 0, cellEnd - cellStart);
      if (cell === undefined) return;
      const known = this.records.get(name);
      const before = known?.at(-1)?.cell;
      const grows = !isUsers(name) || before === undefined || compareVersions(cell, before) >= 0;
      expectThat(grows, "versions grow", () => {
        return `entry ${at} writes ${JSON.stringify(name)} as of ${versionName(cell)} over ${versionName(before as DecodedCell)}`;
      });
      if (known === undefined) this.records.set(name, [{ at, cell }]);
      else known.push({ at, cell });
    });
  }

  private recordOf(name: string): EngineRecord | "absent" {
    return this.records.get(name)?.at(-1)?.cell ?? "absent";
  }
}

const isUsers = (name: string): boolean => name.charCodeAt(0) === userArea;
