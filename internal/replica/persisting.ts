// Brings what a core wants persisted into the shared log, in order, and says when it is there.
//
//   Ready n:  salvage | hard state | truncation | entries    --staged-->  batch b  --written-->  persisted(n), messages
//
// Fast entries that are about to be discarded are kept first, in the same append. When they have left the log's
// memory, they are read before anything of their Ready is staged, and later Readys wait behind it.

import { logIndex, term } from "../base/ids.ts";
import type { BatchNumber } from "../log/batch-stager.ts";
import type { GroupLog } from "../log/group-log.ts";
import type { Log } from "../log/log.ts";
import type { Message } from "../raft/messages.ts";
import type { Raft } from "../raft/raft.ts";
import type { Entry, Ready } from "../raft/types.ts";
import { keepFast, keepFastNow } from "./keep-fast.ts";
import { recordOf } from "./log-entries.ts";

interface OnItsWay {
  /** The last of the Readys in it. */
  number: number;
  readonly batch: number;
  readonly messages: Message[];
}

/** As many messages may wait for the disk; what is too much, while it hangs, gets lost as in a network. */
const messagesMax = 4096;

export class Persisting {
  private readonly log: Log;
  private readonly group: GroupLog;
  private readonly raft: Raft;
  private readonly send: (message: Message) => void;
  /** One for each batch of the log. */
  private readonly onItsWay: OnItsWay[] = [];
  /** Messages in `onItsWay`. */
  private waiting = 0;
  /** The batch that what was staged last is in. */
  private lastBatch = 0;

  constructor(log: Log, group: GroupLog, raft: Raft, send: (message: Message) => void) {
    this.log = log;
    this.group = group;
    this.raft = raft;
    this.send = send;
  }

  /** Stages a Ready at once; false when `stageLoaded` has to, because what it discards must be read first. */
  stageNow(ready: Ready): boolean {
    if (ready.truncateFrom !== undefined && !keepFastNow(this.group, ready.truncateFrom)) return false;
    this.stage(ready);
    return true;
  }

  async stageLoaded(ready: Ready): Promise<void> {
    if (ready.truncateFrom !== undefined) await keepFast(this.group, ready.truncateFrom);
    this.stage(ready);
  }

  /** The log has moved on. True when a Ready has become durable. */
  progress(): boolean {
    let moved = false;
    for (;;) {
      const first = this.onItsWay[0];
      if (first === undefined || first.batch > this.log.written) return moved;
      this.onItsWay.shift();
      this.waiting -= first.messages.length;
      moved = true;
      this.raft.persisted(first.number);
      for (const message of first.messages) this.send(message);
    }
  }

  private stage(ready: Ready): void {
    const { group } = this;
    if (ready.hardState !== undefined) {
      const { term: present, vote, commit } = ready.hardState;
      const noted = logIndex(Math.max(group.hardState.commit, commit));
      this.lastBatch = group.setHardState({ term: term(present), vote, commit: noted });
    }
    if (ready.truncateFrom !== undefined) this.lastBatch = group.truncateFrom(ready.truncateFrom);
    for (const entry of ready.entries) this.lastBatch = appendTo(group, entry);
    for (const message of ready.messages) this.send(message);
    this.wait(ready);
  }

  private wait({ number, messagesAfterPersist }: Ready): void {
    const { onItsWay, lastBatch: batch } = this;
    const messages = messagesAfterPersist.slice(0, messagesMax - this.waiting);
    this.waiting += messages.length;
    const newest = onItsWay.at(-1);
    if (newest?.batch === batch) {
      newest.number = number;
      newest.messages.push(...messages);
    } else {
      onItsWay.push({ number, batch, messages });
    }
  }
}

/** What goes to the log here and to the followers is encoded once. */
function appendTo(group: GroupLog, entry: Entry): BatchNumber {
  const record = recordOf(group.group, entry);
  return group.appendRecord(record, 0, record.length);
}
