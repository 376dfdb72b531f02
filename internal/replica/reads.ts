// Reads of a replica: fast ones of what is here, strong ones by way of the leader. While a snapshot is being installed the old data
// may be gone before the new can be seen: then reads wait.

import type { Term } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineRecord } from "../engine/reader.ts";
import type { SnapshotMark } from "../raft/types.ts";
import { userRecordKey } from "./areas.ts";
import { badKeyOf } from "./command-check.ts";
import type { Overlay } from "./overlay.ts";
import type { ReplicaPlace } from "./replica-parts.ts";
import { StrongReads } from "./strong-reads.ts";

export interface ReadParts {
  readonly engine: Engine;
  readonly overlay: Overlay;
  place(): ReplicaPlace;
  /** What the engine shows. */
  applied(): SnapshotMark;
  /** Resolves when the snapshot that is being installed is; undefined: none is. */
  installing(): Promise<unknown> | undefined;
  readonly strongReadsMax: number;
  ask(): number;
  term(): Term;
  wantTick(until: Stamp): void;
}

export class Reads {
  readonly strong: StrongReads;
  private readonly parts: ReadParts;

  constructor(parts: ReadParts) {
    this.parts = parts;
    this.strong = new StrongReads({
      readsMax: parts.strongReadsMax,
      ask: () => parts.ask(),
      term: () => parts.term(),
      appliedIndex: () => parts.applied().index,
      lastStamp: () => parts.applied().stamp,
      get: (key) => this.getNow(key),
      load: (key) => this.get(key),
      wantTick: (until) => parts.wantTick(until),
    });
  }

  readNow(key: Uint8Array, now: Stamp): EngineRecord | "absent" | "need_io" {
    const bad = badKeyOf(key);
    if (bad !== undefined) throw bad;
    return this.parts.overlay.find(key, now) ?? this.getNow(key, now);
  }

  async readFast(key: Uint8Array, now: Stamp): Promise<EngineRecord | undefined> {
    const found = this.readNow(key, now);
    if (found !== "need_io") return found === "absent" ? undefined : found;
    return this.get(key, now);
  }

  private getNow(key: Uint8Array, now?: Stamp): EngineRecord | "absent" | "need_io" {
    const { parts } = this;
    if (parts.installing() !== undefined) return "need_io";
    return parts.engine.getNow(parts.place().incarnation, userRecordKey(key), { now });
  }

  private async get(key: Uint8Array, now?: Stamp): Promise<EngineRecord | undefined> {
    // A copy: the caller may use its bytes again meanwhile.
    const recordKey = userRecordKey(key);
    await this.parts.installing();
    return this.parts.engine.get(this.parts.place().incarnation, recordKey, { now });
  }
}
