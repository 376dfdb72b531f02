// What applied entries write, gathered until the engine takes it as one, together with the applied index: so the two never part.
//
//   entry, entry, ... | last applied   --write-->   engine, applied index
//
// The group's state runs ahead of the engine by what is gathered here; `applied` says what the engine shows.

import { TrefoilError } from "../base/errors.ts";
import { logIndex } from "../base/ids.ts";
import type { Incarnation } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { CellHeader, Version } from "../engine/cell.ts";
import type { Engine } from "../engine/engine.ts";
import { WriteBatch } from "../engine/write-batch.ts";
import type { OperationSlot } from "../engine/write-batch.ts";
import type { SnapshotMark } from "../raft/types.ts";
import { encodeAnswer } from "./answer.ts";
import type { CommandAnswer } from "./answer.ts";
import { userRecordKey } from "./areas.ts";
import type { PlannedWrite } from "./decide.ts";
import { answerExpiry, answerKey, systemKey, systemTag } from "./group-state.ts";
import type { Boundary, GroupState } from "./group-state.ts";
import type { ForeignWrite } from "./merge.ts";

/** Entries are gathered until a batch has about so many bytes. */
const bytesWanted = 256 * 1024;

export interface ApplyBatchParts {
  readonly engine: Engine;
  readonly incarnation: Incarnation;
  readonly state: GroupState;
}

export class ApplyBatch {
  /** The group as the engine has it. */
  applied: SnapshotMark;
  private readonly parts: ApplyBatchParts;
  private readonly batch = new WriteBatch(bytesWanted + 4096);
  private sealedAt = logIndex(0);
  private isStopped = false;
  private stopWaiting: () => void = () => undefined;

  constructor(parts: ApplyBatchParts) {
    this.parts = parts;
    this.applied = markOf(parts.state);
  }

  get isFull(): boolean {
    return this.batch.bytes >= bytesWanted;
  }

  addBlind(source: OperationSlot, header: CellHeader): void {
    this.batch.add(this.parts.incarnation, source, header);
  }

  put(
    key: Uint8Array,
    origin: Version & { readonly stamp: Stamp; readonly expiry?: Stamp },
    payload: Uint8Array,
  ): void {
    this.batch.put(this.parts.incarnation, key, origin, payload);
  }

  delete(key: Uint8Array, origin: Version & { readonly stamp: Stamp }): void {
    this.batch.delete(this.parts.incarnation, key, origin);
  }

  addWrite(write: PlannedWrite, entry: Boundary): void {
    const key = userRecordKey(write.key);
    if (write.kind === "delete") this.delete(key, entry);
    else this.put(key, { ...entry, expiry: write.expiry }, write.payload);
  }

  /** The record carries its own version, for comparing, and the stamp that garbage collection is to go by. */
  addForeign(write: ForeignWrite, collected: { readonly stamp: Stamp }): void {
    const key = userRecordKey(write.key);
    const origin = { ...write.version, stamp: collected.stamp, expiry: write.expiry };
    if (write.isDelete) this.delete(key, origin);
    else this.put(key, origin, write.payload);
  }

  remember(id: Uint8Array, answer: CommandAnswer, entry: Boundary): void {
    const record = encodeAnswer(answer);
    this.parts.state.remember(id, record.length);
    this.put(answerKey(id), { ...entry, expiry: answerExpiry(entry.stamp) }, record);
  }

  /** Gives the engine what was gathered; false when it has no room. */
  commitNow(): boolean {
    if (this.applied.index === this.parts.state.last.index) return true;
    this.seal();
    if (!this.parts.engine.canWrite(this.batch)) return false;
    this.write();
    return true;
  }

  /** As commitNow, waiting for room. */
  async commit(): Promise<void> {
    const { engine } = this.parts;
    while (!this.commitNow()) {
      if (engine.isClosing || this.isStopped) {
        throw new TrefoilError("stopping", "nothing is applied any more", { outcome: "unknown" });
      }
      // A full disk may pass; nothing else does.
      const { trouble } = engine;
      if (trouble !== undefined && trouble.code !== "storage_full") throw trouble;
      await new Promise<void>((resolve) => {
        this.stopWaiting = resolve;
        void engine.whenWritable().then(resolve);
      });
    }
  }

  stop(): void {
    this.isStopped = true;
    this.stopWaiting();
  }

  /** The batch ends with what was applied last; once, however often the engine has no room for it. */
  private seal(): void {
    const { state } = this.parts;
    if (this.sealedAt === state.last.index) return;
    this.put(systemKey(systemTag.applied), state.last, state.encodeLast());
    this.sealedAt = state.last.index;
  }

  private write(): void {
    const { engine, incarnation, state } = this.parts;
    engine.write(this.batch, { incarnation, appliedIndex: state.last.index });
    const horizon = state.slots.garbageHorizon(state.watermark);
    engine.raiseGarbageHorizon({ incarnation, watermark: horizon, expiryHorizon: horizon });
    this.applied = markOf(state);
    this.batch.clear();
  }
}

const markOf = (state: GroupState): SnapshotMark => {
  return { ...state.last, configuration: state.configuration.configuration };
};
