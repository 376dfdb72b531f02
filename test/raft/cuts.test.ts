// One-way cuts of every shape: three replicas have six links, so there are 63 ways to cut some of them. Under each the
// invariants hold; while two replicas hear each other the group goes on; after healing all agree.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { World } from "./world.ts";
import type { Member } from "./world.ts";

const links = ["1>2", "1>3", "2>1", "2>3", "3>1", "3>2"];
const payload = new Uint8Array(8);

class CutWorld {
  readonly world = new World(1, [1, 2, 3], { electionTicks: 10, heartbeatTicks: 2, earlyElectionTicks: 3 });
  cut: ReadonlySet<string> = new Set();

  run(ticks: number): void {
    const { world } = this;
    for (let tick = 0; tick < ticks; tick++) {
      for (const member of world.members.values()) {
        member.raft.setWallClock(++member.wall);
        member.raft.tick();
        this.drain(member);
      }
      for (let count = world.messages.length; count > 0; count--) this.arrive();
      world.check();
    }
  }

  /** Every leader there is takes a proposal, whatever it knows of its quorum. */
  propose(): void {
    for (const member of this.world.members.values()) {
      const stamp = member.raft.nextStamp();
      member.raft.propose({ stamp, flags: 0, kind: 2, payload, needsQuorum: false });
      this.drain(member);
    }
  }

  /** Replica 1 leads. */
  elect(): void {
    const first = this.world.member(1);
    for (let tick = 0; tick < 20 && first.raft.status.role === "follower"; tick++) {
      first.raft.setWallClock(++first.wall);
      first.raft.tick();
    }
    this.drain(first);
    this.run(8);
    assert.equal(first.raft.status.role, "leader");
  }

  private arrive(): void {
    const { messages } = this.world;
    const message = messages[0];
    if (message === undefined) return;
    if (this.cut.has(`${message.from}>${message.to}`)) {
      messages.shift();
      return;
    }
    this.world.deliver(0);
    this.drain(this.world.member(message.to));
  }

  private drain(member: Member): void {
    while (this.world.drain(member) !== undefined || this.world.persist(member));
  }
}

describe("raft: one-way cuts", () => {
  for (let shape = 1; shape < 1 << links.length; shape++) {
    const cut = new Set(links.filter((_, at) => (shape & (1 << at)) !== 0));
    const pairs = ["12", "13", "23"].filter(([a, b]) => !cut.has(`${a}>${b}`) && !cut.has(`${b}>${a}`));
    const goesOn = pairs.length > 0;
    it(`of ${[...cut].join(" ")}: ${goesOn ? "the group goes on" : "nothing breaks"}, and all agree afterwards`, () => {
      const cuts = new CutWorld();
      const { world } = cuts;
      cuts.elect();
      cuts.cut = cut;
      cuts.propose();
      // Long enough for a leader to miss its quorum, or for the others to miss it, and for one election.
      cuts.run(36);
      const before = world.committedTo;
      cuts.propose();
      cuts.run(40);
      assert.ok(!goesOn || world.committedTo > before, `nothing more committed than ${before}`);
      cuts.cut = new Set();
      cuts.run(120);
      cuts.propose();
      cuts.run(10);
      const states = Array.from(world.members.values(), ({ raft }) => {
        const { term, leader, commit, last } = raft.status;
        return [term, leader, commit, last].join(" ");
      });
      assert.equal(new Set(states).size, 1, states.join(" | "));
      assert.ok(world.committedTo > before, "nothing committed after healing");
    });
  }
});
