// What clients did and were told, group by group: versions compare within a group alone.

import { utf8 } from "../../../internal/base/bytes.ts";
import { groupId } from "../../../internal/base/ids.ts";
import type { GroupId } from "../../../internal/base/ids.ts";
import { Ring } from "../../../internal/ring/ring.ts";
import { slotOf } from "../../../internal/ring/slots.ts";
import { entryInWords, History } from "../history.ts";
import type { Done, HistoryEntry } from "../history.ts";
import type { Trace } from "../trace.ts";
import type { VirtualTime } from "../virtual-time.ts";

export class Histories {
  readonly byGroup: ReadonlyMap<GroupId, History>;
  private readonly ring: Ring;

  constructor(groups: number, time: VirtualTime, trace: Trace | undefined) {
    const ids = Array.from({ length: groups }, (_, at) => groupId(at + 1));
    this.ring = Ring.of(ids);
    const told =
      trace &&
      ((entry: HistoryEntry, isEnd: boolean): void =>
        trace.note(
          time.now,
          `${isEnd ? "" : "asks: "}${entryInWords(entry)}${entry.via === undefined ? "" : ` by way of ${entry.via}`}`,
        ));
    this.byGroup = new Map(ids.map((id) => [id, new History(told)]));
  }

  begin(client: number, done: Done, now: number): HistoryEntry {
    return this.historyOf(done).begin(client, done, now);
  }

  of({ done }: HistoryEntry): History {
    return this.historyOf(done);
  }

  get keys(): string[] {
    return [...this.byGroup.values()].flatMap(({ keys }) => keys);
  }

  groupOf(key: string): GroupId {
    const bytes = utf8(key);
    return this.ring.ownerOf(slotOf(bytes, 0, bytes.length));
  }

  private historyOf(done: Done): History {
    const key = done.kind === "read" ? done.key : (done.steps[0]?.key ?? "");
    const history = this.byGroup.get(this.groupOf(key));
    if (history === undefined) throw new Error(`the key ${key} has no group`);
    return history;
  }
}
