// Three bare cores that talk to each other by calls, with arrays for disks: what the consensus itself costs.

import { groupId, logIndex, nobody, replicaId, term } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import type { Message } from "../../internal/raft/messages.ts";
import { Raft } from "../../internal/raft/raft.ts";
import type { Entry, EntryRange, Ready } from "../../internal/raft/types.ts";

const ids = [1, 2, 3].map((id) => replicaId(id));
const proposalKind = 2;

class Core {
  readonly raft: Raft;
  applied = 0;
  private readonly entries: Entry[] = [];

  constructor(id: ReplicaId) {
    const none = { index: logIndex(0), term: term(0) };
    this.raft = new Raft({
      group: groupId(0),
      id,
      hardState: { term: none.term, vote: nobody, commit: none.index },
      log: { base: none, runs: [], commit: none.index, commitStamp: stamp(0), tail: [] },
      configurations: [{ index: none.index, configuration: configuration(ids) }],
      entries: { readNow: (range, bytesMax) => this.read(range, bytesMax) },
      random: new Prng(id),
    });
  }

  /** Everything is durable as soon as it is written. */
  store(ready: Ready): void {
    if (ready.truncateFrom !== undefined) this.entries.length = ready.truncateFrom - 1;
    for (const entry of ready.entries) this.entries.push(entry);
    this.applied = ready.applicable;
    this.raft.persisted(ready.number);
  }

  private read(range: EntryRange, bytesMax: number): readonly Entry[] {
    let to = range.from as number;
    for (let bytes = 0; to <= range.to && bytes <= bytesMax; to++) bytes += this.entries[to - 1]?.payload.length ?? 0;
    return this.entries.slice(range.from - 1, to - 1);
  }
}

export class BareCores {
  messages = 0;
  private readonly cores = new Map(ids.map((id) => [id, new Core(id)]));
  private readonly payload: Uint8Array;
  private readonly leader: Core;

  constructor(payloadBytes: number) {
    this.payload = new Uint8Array(payloadBytes);
    while (this.elected === undefined) {
      for (const core of this.cores.values()) core.raft.tick();
      this.exchange();
    }
    this.leader = this.elected;
  }

  /** So many proposals in one turn, until the leader has applied them. */
  propose(count: number): void {
    const { raft } = this.leader;
    const { payload } = this;
    for (let at = 0; at < count; at++) {
      const proposal = { stamp: raft.nextStamp(), flags: 0, kind: proposalKind, payload, needsQuorum: true };
      if (raft.propose(proposal).kind === "refused") throw new Error("a proposal of the benchmark was refused");
    }
    this.exchange();
    if (this.leader.applied < raft.status.last) throw new Error("the leader has not applied what all have");
  }

  /** All three have applied the same. */
  get isEven(): boolean {
    return [...this.cores.values()].every((core) => core.applied === this.leader.applied);
  }

  tick(): void {
    for (const core of this.cores.values()) core.raft.tick();
    this.exchange();
  }

  private get elected(): Core | undefined {
    return [...this.cores.values()].find((core) => core.raft.status.role === "leader");
  }

  /** Until nobody has anything to say. */
  private exchange(): void {
    for (let isQuiet = false; !isQuiet;) {
      isQuiet = true;
      for (const core of this.cores.values()) {
        for (let ready = core.raft.ready(); ready !== undefined; ready = core.raft.ready()) {
          isQuiet = false;
          core.store(ready);
          this.deliver(ready.messages);
          this.deliver(ready.messagesAfterPersist);
        }
      }
    }
  }

  private deliver(messages: readonly Message[]): void {
    for (const message of messages) {
      this.messages++;
      this.cores.get(message.to)?.raft.step(message);
    }
  }
}
