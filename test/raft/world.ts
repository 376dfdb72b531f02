// Several Raft cores, each with a disk that forgets what was not synced, and the messages between them, all in the open: a test
// says what happens next, or leaves it to chance. After each step the invariants of Raft are checked over all of
// them: one leader per term, logs that match, nothing committed is lost, nothing is said before it is durable.

import { assert } from "../../internal/base/assert.ts";
import { groupId, logIndex, nobody, replicaId, term } from "../../internal/base/ids.ts";
import type { LogIndex, ReplicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { configuration, decodeConfiguration } from "../../internal/raft/configuration.ts";
import type { Configuration, ConfigurationAt } from "../../internal/raft/configuration.ts";
import type { Message } from "../../internal/raft/messages.ts";
import type { RaftOptions } from "../../internal/raft/options.ts";
import { Raft } from "../../internal/raft/raft.ts";
import type { TermRun } from "../../internal/raft/raft-log.ts";
import { entryKind } from "../../internal/raft/types.ts";
import type {
  Entry,
  EntryRange,
  HardState,
  ReadAnswer,
  Ready,
  SnapshotMark,
  SnapshotOffer,
} from "../../internal/raft/types.ts";

/** What lies on a member's disk, or would if everything staged were synced. */
export interface Stored {
  hardState: HardState;
  base: SnapshotMark;
  entries: Entry[];
}

export class Member {
  readonly id: ReplicaId;
  readonly random: Prng;
  readonly options: Partial<RaftOptions>;
  durable: Stored;
  staged: Stored;
  /** Readys on their way to the disk, oldest first. */
  writing: Ready[] = [];
  raft: Raft;
  isUp = true;
  applied = 0;
  /** Its commit index when it last said all that it wants done. */
  commitSeen = 0;
  wall = 1_000_000;
  keepsSalvage = false;
  reads: ReadAnswer[] = [];
  /** Entries below this are not in memory: a Ready has to ask for them. */
  cachedFrom = 0;
  snapshotsWanted: ReplicaId[] = [];
  incoming: SnapshotOffer | undefined;
  crashes = 0;
  private life = 0;

  constructor(id: ReplicaId, seed: Prng, base: SnapshotMark, options: Partial<RaftOptions>) {
    this.id = id;
    this.random = seed;
    this.options = options;
    this.durable = { hardState: { term: base.term, vote: nobody, commit: base.index }, base, entries: [] };
    this.staged = copyOf(this.durable);
    this.raft = this.begin();
    this.applied = base.index;
    this.commitSeen = base.index;
  }

  entryAt(index: number): Entry | undefined {
    return this.staged.entries[index - this.staged.base.index - 1];
  }

  /** As its driver says; again after each Ready that discards something. */
  keepSalvage(keeps: boolean): void {
    this.keepsSalvage = keeps;
    this.raft.setSalvage(keeps);
  }

  /** A crash: what was staged may survive as far as `kept` Readys. */
  crash(kept = 0): void {
    this.crashes++;
    for (const ready of this.writing.splice(0, kept)) store(this.durable, ready);
    this.writing = [];
    this.isUp = false;
  }

  restart(): void {
    assert(!this.isUp, "a restart of what runs", { id: this.id });
    this.staged = copyOf(this.durable);
    this.reads = [];
    this.snapshotsWanted = [];
    this.incoming = undefined;
    this.raft = this.begin();
    this.applied = this.staged.base.index;
    this.commitSeen = this.staged.base.index;
    this.isUp = true;
  }

  private begin(): Raft {
    const { hardState, base, entries } = this.staged;
    const commit = logIndex(Math.max(hardState.commit, base.index));
    const behind = entries.filter((entry) => entry.index > commit);
    const runs: TermRun[] = [];
    const configurations: ConfigurationAt[] = [{ index: base.index, configuration: base.configuration }];
    for (const entry of entries) {
      if (runs.at(-1)?.term !== entry.term) runs.push({ start: entry.index, term: entry.term });
      if (entry.kind === entryKind.configuration) {
        configurations.push({ index: entry.index, configuration: decodeConfiguration(entry.payload) });
      }
    }
    const commitStamp = this.entryAt(commit)?.stamp ?? base.stamp;
    const start = {
      group: groupId(0),
      id: this.id,
      hardState: { ...hardState, commit },
      log: { base: { index: base.index, term: base.term }, runs, commit, commitStamp, tail: behind },
      configurations,
      entries: { readNow: (range: EntryRange, bytesMax: number) => this.readNow(range, bytesMax) },
      random: this.random.split(`life ${this.life++}`),
    };
    const raft = new Raft(start, this.options);
    raft.setWallClock(this.wall);
    return raft;
  }

  private readNow(range: EntryRange, bytesMax: number): readonly Entry[] | undefined {
    if (range.from < this.cachedFrom) return undefined;
    const first = range.from - this.staged.base.index - 1;
    const count = Math.max(1, Math.floor(bytesMax / 64));
    return this.staged.entries.slice(first, Math.min(first + count, range.to - this.staged.base.index));
  }
}

/** What lies before the first entry: everybody begins with a snapshot of it. */
export interface WorldStart {
  readonly index: number;
  readonly term: number;
}

export class World {
  readonly members = new Map<ReplicaId, Member>();
  readonly random: Prng;
  readonly options: Partial<RaftOptions>;
  first: Configuration;
  private readonly start: WorldStart;
  messages: Message[] = [];
  /** Everything that was ever committed, by index. */
  readonly committed = new Map<number, Entry>();
  /** The greatest index that anybody has committed. */
  committedTo = 0;
  /** Hears of every message that leaves, and of every answer to a read. */
  onSent: (message: Message) => void = () => undefined;
  onRead: (member: Member, answer: ReadAnswer) => void = () => undefined;
  onReady: (member: Member, ready: Ready) => void = () => undefined;
  onCommitted: (entry: Entry) => void = () => undefined;
  private readonly leaders = new Map<number, ReplicaId>();
  /** Per member and term: whom it voted for, as it told others. */
  private readonly votesTold = new Map<string, ReplicaId>();

  constructor(
    seed: number,
    ids: readonly number[] = [1, 2, 3],
    options: Partial<RaftOptions> = {},
    start: WorldStart = { index: 0, term: 0 },
  ) {
    this.random = new Prng(seed);
    this.options = options;
    this.start = start;
    this.first = configuration(ids.map(replicaId));
    for (const id of ids) this.add(id);
  }

  /** A replica with an empty disk, or with a snapshot of the start. */
  add(id: number): Member {
    const { index, term: startTerm } = this.start;
    const base = { index: logIndex(index), term: term(startTerm), stamp: stamp(1), configuration: this.first };
    const member = new Member(replicaId(id), this.random.split(`member ${id}`), base, this.options);
    this.members.set(member.id, member);
    return member;
  }

  member(id: number): Member {
    const found = this.members.get(replicaId(id));
    assert(found !== undefined, "no such member", { id });
    return found;
  }

  get leader(): Member | undefined {
    let best: Member | undefined;
    for (const member of this.members.values()) {
      const { role, term: present } = member.raft.status;
      if (member.isUp && role === "leader" && present > (best?.raft.status.term ?? 0)) best = member;
    }
    return best;
  }

  /** Takes what a member wants done: stages it, sends what may leave. */
  drain(member: Member): Ready | undefined {
    if (!member.isUp) return undefined;
    const ready = member.raft.ready();
    member.commitSeen = member.raft.status.commit;
    if (ready === undefined) return undefined;
    store(member.staged, ready);
    if (ready.truncateFrom !== undefined) member.raft.setSalvage(member.keepsSalvage);
    member.writing.push(ready);
    this.sent(member, ready.messages);
    member.reads.push(...ready.reads);
    this.onReady(member, ready);
    for (const answer of ready.reads) this.onRead(member, answer);
    member.snapshotsWanted.push(...ready.snapshotsWanted);
    if (ready.snapshot !== undefined) member.incoming = ready.snapshot;
    if (ready.loads.length > 0) member.cachedFrom = 0;
    if (ready.loads.length > 0) member.raft.entriesLoaded();
    this.apply(member, ready.applicable);
    return ready;
  }

  /** The oldest Ready of a member reaches its disk. */
  persist(member: Member): boolean {
    const ready = member.writing.shift();
    if (ready === undefined || !member.isUp) return false;
    store(member.durable, ready);
    member.raft.persisted(ready.number);
    this.sent(member, ready.messagesAfterPersist);
    return true;
  }

  /** Message number `at` arrives. */
  deliver(at: number, keepsCopy = false): Message | undefined {
    const message = this.messages[at];
    if (message === undefined) return undefined;
    if (!keepsCopy) this.messages.splice(at, 1);
    const member = this.members.get(message.to);
    if (member?.isUp !== true) return message;
    const result = member.raft.step(message);
    assert(result.kind === "taken", "a genuine message refused", { why: result.kind === "refused" ? result.why : "" });
    return message;
  }

  /** A member's log up to what it has applied becomes a snapshot. */
  compact(member: Member, index: LogIndex): void {
    if (index <= member.staged.base.index || index > member.applied) return;
    const entry = member.entryAt(index) as Entry; // applied, so it is there
    const mark = {
      index,
      term: entry.term,
      stamp: entry.stamp,
      configuration: this.appliedConfiguration(member, index),
    };
    for (const stored of [member.staged, member.durable]) {
      stored.entries = stored.entries.filter((kept) => kept.index > index);
      stored.base = mark;
    }
    member.raft.compacted(index);
  }

  /** The member makes the snapshots that it was asked for. */
  offerSnapshots(member: Member): void {
    for (const to of member.snapshotsWanted.splice(0)) {
      const index = logIndex(Math.max(member.applied, member.staged.base.index));
      const entry = member.entryAt(index);
      const { base } = member.staged;
      const mark =
        entry === undefined
          ? base
          : { index, term: entry.term, stamp: entry.stamp, configuration: this.appliedConfiguration(member, index) };
      member.raft.offerSnapshot(to, mark);
    }
  }

  /** The member installs the snapshot that it was offered, all at once. */
  install(member: Member): boolean {
    const mark = member.incoming;
    member.incoming = undefined;
    if (mark === undefined || !member.raft.beginInstall(mark)) return false;
    this.finishInstall(member, mark);
    return true;
  }

  /** REQUIRES: the installation was begun. */
  finishInstall(member: Member, mark: SnapshotMark): void {
    // Its disk has everything that came before.
    this.drain(member);
    while (this.persist(member));
    for (const stored of [member.staged, member.durable]) {
      stored.base = { index: mark.index, term: mark.term, stamp: mark.stamp, configuration: mark.configuration };
      stored.entries = [];
      stored.hardState = { ...stored.hardState, commit: mark.index };
    }
    member.applied = mark.index;
    member.raft.snapshotInstalled(mark);
  }

  check(): void {
    for (const member of this.members.values()) {
      if (!member.isUp) continue;
      member.raft.checkInvariants();
      this.checkLeader(member);
      this.checkCommitted(member);
    }
  }

  private appliedConfiguration(member: Member, index: LogIndex): Configuration {
    let found = member.staged.base.configuration;
    for (const entry of member.staged.entries) {
      if (entry.index > index) break;
      if (entry.kind === entryKind.configuration) found = decodeConfiguration(entry.payload);
    }
    return found;
  }

  private checkLeader(member: Member): void {
    const { role, term: present } = member.raft.status;
    if (role !== "leader") return;
    const known = this.leaders.get(present);
    assert(known === undefined || known === member.id, "two leaders in one term", {
      term: present,
      known,
      id: member.id,
    });
    if (known === undefined) {
      this.leaders.set(present, member.id);
      for (const [index, entry] of this.committed) {
        if (entry.term >= present || index <= member.staged.base.index) continue;
        const own = member.entryAt(index);
        assert(own?.term === entry.term, "a leader without a committed entry", {
          leader: member.id,
          index,
          term: present,
        });
      }
    }
  }

  private checkCommitted(member: Member): void {
    for (let index: number = member.commitSeen; index > member.staged.base.index; index--) {
      const entry = member.entryAt(index);
      assert(entry !== undefined, "a committed entry that is not there", { id: member.id, index });
      const known = this.committed.get(index);
      if (known === undefined) this.commit(index, entry);
      else if (known === entry) break;
      else {
        const isSame = known.term === entry.term && known.stamp === entry.stamp;
        assert(isSame, "two committed entries of one index", { id: member.id, index });
      }
    }
  }

  /** Stamps grow along what is committed, whoever led. */
  private commit(index: number, entry: Entry): void {
    this.committed.set(index, entry);
    this.onCommitted(entry);
    this.committedTo = Math.max(this.committedTo, index);
    const below = this.committed.get(index - 1);
    const above = this.committed.get(index + 1);
    assert(below === undefined || below.stamp < entry.stamp, "rule 1: stamps that do not grow", { index });
    assert(above === undefined || above.stamp > entry.stamp, "rule 1: stamps that do not grow", { index: index + 1 });
  }

  private apply(member: Member, applicable: LogIndex): void {
    if (applicable > member.applied) {
      const durable = member.durable.entries.at(-1)?.index ?? member.durable.base.index;
      assert(applicable <= durable, "applied before it was durable", { id: member.id, applicable, durable });
      member.applied = applicable;
    }
  }

  private sent(member: Member, messages: readonly Message[]): void {
    for (const message of messages) {
      this.checkSent(member, message);
      this.onSent(message);
      this.messages.push(message);
    }
  }

  /** What a message promises is durable when it leaves. */
  private checkSent(member: Member, message: Message): void {
    const { durable } = member;
    if (message.type !== "pre_vote" && message.type !== "pre_vote_answer") {
      const values = { id: member.id, type: message.type, term: message.term, durable: durable.hardState.term };
      assert(message.term <= durable.hardState.term, "a term told before it was durable", values);
    }
    if (message.type === "vote_answer" && message.isGranted) {
      const key = `${member.id} ${message.term}`;
      const known = this.votesTold.get(key);
      assert(known === undefined || known === message.to, "two votes in one term", {
        id: member.id,
        term: message.term,
      });
      this.votesTold.set(key, message.to);
      const { hardState } = durable;
      const isDurable = hardState.term > message.term || hardState.vote === message.to;
      assert(isDurable, "a vote told before it was durable", { id: member.id, term: message.term });
    }
    if (message.type === "append_accepted" && message.term === member.raft.status.term) {
      const last = durable.entries.at(-1)?.index ?? durable.base.index;
      assert(message.index <= last, "entries accepted before they were durable", {
        id: member.id,
        index: message.index,
      });
    }
  }
}

function copyOf(stored: Stored): Stored {
  return { hardState: stored.hardState, base: stored.base, entries: [...stored.entries] };
}

function store(stored: Stored, ready: Ready): void {
  if (ready.hardState !== undefined) stored.hardState = ready.hardState;
  const cut = ready.truncateFrom;
  if (cut !== undefined) stored.entries = stored.entries.filter((entry) => entry.index < cut);
  for (const entry of ready.entries) {
    const last = stored.entries.at(-1)?.index ?? stored.base.index;
    if (entry.index <= last) continue;
    assert(entry.index === last + 1, "an entry stored with a gap", { index: entry.index, last });
    stored.entries.push(entry);
  }
}
