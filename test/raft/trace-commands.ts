// The commands of the text traces in testdata: a world of cores, what happens to it word by word, and in short lines what they
// say and become. Entries are written term.index.
//
//   group 1 2 3 [learners 4] [option=n ...]   log ID TERM VOTE COMMIT [terms of entries ...]
//   tick ID|all [n]    elect ID    settle [n]   run n (ticks of all)   deliver|drop|double [A>B|*] [type|*] [first|last]
//   hold [A>B|*] [type|*] [first|last]     release (what is held; it is on its way again, behind the rest)
//   cut A>B ...        heal        slow|fast ID    persist ID [n]      crash ID [readys kept]    restart ID
//   propose ID [n]     read ID [n] transfer ID TO  change ID a,b,c [learners d,e]    lost ID LEADER
//   compact ID INDEX   offer ID    withdraw ID TO  install ID   abandon ID    clock ID MS   trust ID   salvage ID on|off
//   add ID             status [ID]      matched ID [away] followers ID     begin|finish ID     quietly COMMAND
//
// After each command every member hands out what it wants done; its disk takes it at once unless it is slow.
// `settle` delivers, oldest first, until nothing is on its way.

import { assert } from "../../internal/base/assert.ts";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { stampOfMilliseconds, stamp } from "../../internal/base/stamp.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import type { Message } from "../../internal/raft/messages.ts";
import type { Entry, SnapshotMark } from "../../internal/raft/types.ts";
import { messageText, statusText } from "./trace-text.ts";
import type { Member } from "./world.ts";
import { World } from "./world.ts";

type Command = (words: readonly string[]) => void;

const shortTimes = { electionTicks: 10, heartbeatTicks: 2, earlyElectionTicks: 3 };
const deliveriesMax = 2000;

export class TraceCommands {
  private world = new World(1);
  private readonly cuts = new Set<string>();
  private readonly held: Message[] = [];
  private readonly slow = new Set<ReplicaId>();
  private readonly known = new Map<ReplicaId, string>();
  private readonly applied = new Map<ReplicaId, number>();
  private readonly installing = new Map<ReplicaId, SnapshotMark>();
  private lines: string[] = [];

  private readonly commands: { readonly [name: string]: Command } = {
    group: (words) => this.group(words),
    add: ([id]) => void this.world.add(Number(id)),
    log: (words) => this.log(words),
    tick: ([id, count = "1"]) => this.tick(id, Number(count)),
    elect: ([id]) => this.elect(this.member(id)),
    run: ([count]) => this.runTicks(Number(count)),
    settle: ([count]) => this.settle(Number(count ?? deliveriesMax)),
    deliver: (words) => this.deliver(words, false),
    double: (words) => this.deliver(words, true),
    drop: (words) => this.drop(words),
    hold: (words) => this.hold(words),
    release: () => void this.world.messages.push(...this.held.splice(0)),
    cut: (words) => words.forEach((link) => this.cuts.add(link)),
    heal: () => this.cuts.clear(),
    slow: ([id]) => void this.slow.add(this.member(id).id),
    fast: ([id]) => void this.slow.delete(this.member(id).id),
    persist: ([id, count = "1"]) => this.persist(this.member(id), Number(count)),
    crash: ([id, kept = "0"]) => this.crash(this.member(id), Number(kept)),
    restart: ([id]) => this.restart(this.member(id)),
    propose: ([id, count = "1"]) => this.propose(this.member(id), Number(count)),
    read: ([id, count = "1"]) => this.read(this.member(id), Number(count)),
    transfer: ([id, to]) => this.say(this.member(id).raft.transfer(replicaId(Number(to))) ?? "accepted"),
    change: (words) => this.change(words),
    lost: ([id, leader]) => this.member(id).raft.connectionLost(replicaId(Number(leader))),
    compact: ([id, index]) => this.world.compact(this.member(id), logIndex(Number(index))),
    offer: ([id]) => this.world.offerSnapshots(this.member(id)),
    withdraw: ([id, to]) => this.member(id).raft.withdrawSnapshot(replicaId(Number(to))),
    install: ([id]) => this.install(this.member(id)),
    begin: ([id]) => this.begin(this.member(id)),
    finish: ([id]) => this.finish(this.member(id)),
    abandon: ([id]) => this.abandon(this.member(id)),
    clock: ([id, by]) => this.clock(this.member(id), Number(by)),
    trust: ([id]) => this.member(id).raft.trustStamps(true),
    salvage: ([id, has]) => this.member(id).keepSalvage(has === "on"),
    matched: ([id, away = "Infinity"]) =>
      this.say(`all voters have ${this.member(id).raft.matchedByAll(Number(away)) ?? "(not known)"}`),
    status: ([id]) => this.status(id),
    followers: ([id]) => this.followers(this.member(id)),
    quietly: ([name, ...words]) => this.quietly(name, words),
  };

  run(words: readonly string[]): readonly string[] {
    this.lines = [];
    const [name = "", ...rest] = words;
    const command = this.commands[name];
    assert(command !== undefined, "no such command", { name });
    command(rest);
    this.drain();
    this.world.check();
    return this.lines;
  }

  private group(words: readonly string[]): void {
    const options: Record<string, unknown> = { ...shortTimes };
    const ids: number[] = [];
    const learners: number[] = [];
    let target = ids;
    for (const word of words) {
      const [key = "", value] = word.split("=");
      if (value !== undefined) options[key] = Number(value);
      else if (word === "learners") target = learners;
      else target.push(Number(word));
    }
    const { messagesMax, bytesMax } = { messagesMax: 64, bytesMax: 65_536, ...options };
    const given = { ...options, window: { messagesMax, bytesMax } };
    this.world = new World(1, ids, given);
    this.world.first = configuration(ids.map(replicaId), learners.map(replicaId));
    this.world.members.clear();
    for (const id of [...ids, ...learners]) this.world.add(id);
    this.cuts.clear();
    this.slow.clear();
    this.known.clear();
    this.applied.clear();
  }

  private log([id, present, vote, commit, ...terms]: readonly string[]): void {
    const member = this.member(id);
    const entries = terms.map((entryTerm, at): Entry => {
      const fixed = { flags: 0, kind: 2, payload: new Uint8Array(8) };
      const stamped = stamp(stampOfMilliseconds(1000 * Number(entryTerm)) + at);
      return { term: term(Number(entryTerm)), index: logIndex(at + 1), stamp: stamped, ...fixed };
    });
    member.crash();
    const hardState = {
      term: term(Number(present)),
      vote: Number(vote) as ReplicaId,
      commit: logIndex(Number(commit)),
    };
    member.durable = { ...member.durable, hardState, entries };
    member.restart();
    this.say(entries.map((entry) => `${entry.term}.${entry.index}`).join(" ") || "empty");
  }

  private tick(id: string | undefined, count: number): void {
    const members = id === "all" ? [...this.world.members.values()] : [this.member(id)];
    for (let done = 0; done < count; done++) {
      for (const member of members) {
        if (!member.isUp) continue;
        member.raft.setWallClock(++member.wall);
        member.raft.tick();
      }
      this.drain();
    }
  }

  /** Time passes for all, and messages arrive as they are sent. */
  private runTicks(count: number): void {
    for (let done = 0; done < count; done++) {
      this.tick("all", 1);
      this.settle(deliveriesMax);
    }
  }

  /** Time passes for one replica until it stands; then all is delivered. */
  private elect(member: Member): void {
    const { role, term: before } = member.raft.status;
    for (let ticks = 0; ticks < 80 && member.raft.status.role === role; ticks++) this.tick(String(member.id), 1);
    assert(member.raft.status.role !== role || member.raft.status.term > before, "it does not stand", {
      id: member.id,
    });
    this.settle(deliveriesMax);
  }

  private settle(count: number): void {
    this.drain();
    for (let done = 0; done < count && this.world.messages.length > 0; done++) this.arrive(0, false);
    assert(count < deliveriesMax || this.world.messages.length === 0, "messages without end");
  }

  private arrive(at: number, keepsCopy: boolean): void {
    const message = this.world.messages[at];
    if (message === undefined) return;
    const link = `${message.from}>${message.to}`;
    if (this.cuts.has(link) || !this.world.members.has(message.to) || !this.isUp(message.to)) {
      this.world.messages.splice(at, 1);
      this.say(`lost ${messageText(message)}`);
      return;
    }
    this.world.deliver(at, keepsCopy);
    this.drain();
  }

  private deliver(words: readonly string[], keepsCopy: boolean): void {
    const chosen = this.chosen(words);
    if (chosen.length === 0) this.say("no such message");
    for (const message of chosen) this.arrive(this.world.messages.indexOf(message), keepsCopy);
  }

  private drop(words: readonly string[]): void {
    for (const message of this.chosen(words)) {
      this.world.messages.splice(this.world.messages.indexOf(message), 1);
      this.say(`lost ${messageText(message)}`);
    }
  }

  private hold(words: readonly string[]): void {
    const chosen = this.chosen(words);
    this.world.messages = this.world.messages.filter((message) => !chosen.includes(message));
    this.held.push(...chosen);
    for (const message of chosen) this.say(`held ${messageText(message)}`);
  }

  private chosen([link = "*", type = "*", which]: readonly string[]): readonly Message[] {
    const all = this.world.messages.filter(
      (message) =>
        (link === "*" || link === `${message.from}>${message.to}`) && (type === "*" || type === message.type),
    );
    if (which === undefined) return all;
    return which === "first" ? all.slice(0, 1) : all.slice(-1);
  }

  private persist(member: Member, count: number): void {
    this.drain();
    for (let done = 0; done < count; done++) this.watch(member, () => void this.world.persist(member));
  }

  private crash(member: Member, kept: number): void {
    member.crash(kept);
    this.known.delete(member.id);
    this.say(`${member.id} is down`);
  }

  private restart(member: Member): void {
    member.restart();
    this.applied.set(member.id, member.applied);
    this.slow.delete(member.id);
    this.installing.delete(member.id);
    this.say(statusText(member));
  }

  private propose(member: Member, count: number): void {
    for (let done = 0; done < count; done++) {
      const stamped = member.raft.nextStamp();
      const fixed = { flags: 0, kind: 2, payload: new Uint8Array(8), needsQuorum: true };
      const result = member.raft.propose({ stamp: stamped, ...fixed });
      this.say(result.kind === "accepted" ? `accepted ${result.term}.${result.index}` : `refused: ${result.why}`);
    }
  }

  private read(member: Member, count: number): void {
    for (let done = 0; done < count; done++) member.raft.read();
  }

  private change([id, voters = "", , learners]: readonly string[]): void {
    const list = (text: string | undefined): ReplicaId[] =>
      text === undefined ? [] : text.split(",").map((word) => replicaId(Number(word)));
    const result = this.member(id).raft.change({ voters: list(voters), learners: list(learners) });
    this.say(result.kind === "accepted" ? "accepted" : `refused: ${result.why}`);
  }

  private install(member: Member): void {
    assert(member.incoming !== undefined, "nothing to install", { id: member.id });
    this.say(this.world.install(member) ? "installed" : "not wanted any more");
  }

  private begin(member: Member): void {
    const mark = member.incoming;
    assert(mark !== undefined, "nothing to install", { id: member.id });
    member.incoming = undefined;
    if (member.raft.beginInstall(mark)) this.installing.set(member.id, mark);
    this.say(this.installing.has(member.id) ? `installing ${mark.term}.${mark.index}` : "not wanted any more");
  }

  private finish(member: Member): void {
    const mark = this.installing.get(member.id);
    assert(mark !== undefined, "no installation was begun", { id: member.id });
    this.installing.delete(member.id);
    this.world.finishInstall(member, mark);
    this.say("installed");
  }

  private abandon(member: Member): void {
    const { incoming } = member;
    assert(incoming !== undefined, "nothing to abandon", { id: member.id });
    member.incoming = undefined;
    member.raft.snapshotFailed(incoming.index);
  }

  private clock(member: Member, by: number): void {
    member.wall += by;
    member.raft.setWallClock(member.wall);
  }

  private status(id: string | undefined): void {
    const members = id === undefined ? [...this.world.members.values()] : [this.member(id)];
    for (const member of members) this.say(member.isUp ? statusText(member) : `${member.id} is down`);
  }

  private followers(member: Member): void {
    for (const { id, state, match, hasSalvage } of member.raft.followers()) {
      this.say(`${id}: ${state} match ${match}${hasSalvage ? ", keeps salvage" : ""}`);
    }
  }

  private quietly(name = "", words: readonly string[]): void {
    this.run([name, ...words]);
    this.lines = [];
    this.status(undefined);
  }

  private drain(): void {
    for (let isBusy = true; isBusy;) {
      isBusy = false;
      for (const member of this.world.members.values()) {
        if (!member.isUp) continue;
        this.watch(member, () => {
          if (this.world.drain(member) !== undefined) isBusy = true;
          if (!this.slow.has(member.id) && this.world.persist(member)) isBusy = true;
        });
      }
    }
  }

  /** Tells what a member becomes, sends and answers meanwhile. */
  private watch(member: Member, act: () => void): void {
    const wanted = member.snapshotsWanted.length;
    const { incoming } = member;
    const sentBefore = this.world.messages.length;
    act();
    const { role, term: present, hasQuorum } = member.raft.status;
    const state = `${member.id} is ${role.replace("_", "-")} in term ${present}${hasQuorum ? "" : ", without quorum"}`;
    if (this.known.get(member.id) !== state) {
      if (this.known.has(member.id) || role !== "follower") this.say(state);
      this.known.set(member.id, state);
    }
    for (const message of this.world.messages.slice(sentBefore)) this.say(messageText(message));
    if (member.applied !== (this.applied.get(member.id) ?? 0)) this.say(`${member.id} applies to ${member.applied}`);
    this.applied.set(member.id, member.applied);
    for (const to of member.snapshotsWanted.slice(wanted)) this.say(`${member.id} wants a snapshot for ${to}`);
    if (member.incoming !== undefined && member.incoming !== incoming) {
      this.say(`${member.id} is offered snapshot ${member.incoming.term}.${member.incoming.index}`);
    }
    for (const answer of member.reads.splice(0)) {
      const text = answer.kind === "confirmed" ? `confirmed at ${answer.commit}` : `refused: ${answer.why}`;
      this.say(`${member.id} read ${text}`);
    }
  }

  private isUp(id: ReplicaId): boolean {
    return this.world.members.get(id)?.isUp === true;
  }

  private member(id: string | undefined): Member {
    return this.world.member(Number(id));
  }

  private say(line: string): void {
    this.lines.push(line);
  }
}
