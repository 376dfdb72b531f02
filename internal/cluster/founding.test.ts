import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeId } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { nextStep } from "./founding.ts";
import type { FoundingRecord, FoundingStep, FoundingWord } from "./founding.ts";

const peers = ["n1", "n2", "n3", "n4"].map(nodeId);
const [n1, n2, n3] = peers as [NodeId, NodeId, NodeId, NodeId];

/** Founders that keep their records, hear each other's words late or never, and lose their data folders. */
class World {
  readonly random: Prng;
  readonly disks = new Map<NodeId, { disk: string; record: FoundingRecord }>();
  /** What each has heard since it was started. */
  readonly heard = new Map<NodeId, Map<NodeId, FoundingWord>>();
  readonly flying: { from: NodeId; to: NodeId; word: FoundingWord }[] = [];
  /** Who ever voted under a founder's seat: in which cluster, from which folder. */
  readonly voted = new Map<NodeId, Set<string>>();
  private folders = 0;

  constructor(seed: number) {
    this.random = new Prng(seed);
    for (const id of [n1, n2, n3]) this.wipe(id);
  }

  wordOf(id: NodeId): FoundingWord {
    const place = this.disks.get(id);
    assert.ok(place !== undefined);
    return { disk: place.disk, peers, groups: 4, record: place.record };
  }

  /** When all folders are emptied nobody can know that there was something. */
  isKnownWithout(id: NodeId): boolean {
    const holders = [...this.disks].filter(([, { record }]) => record.stage !== "empty");
    return holders.length === 0 || holders.some(([holder]) => holder !== id);
  }

  wipe(id: NodeId): void {
    this.disks.set(id, { disk: `folder ${++this.folders} of ${id}`, record: { stage: "empty" } });
    this.restart(id);
  }

  restart(id: NodeId): void {
    this.heard.set(id, new Map());
  }

  say(id: NodeId): void {
    for (const to of [n1, n2, n3]) if (to !== id) this.flying.push({ from: id, to, word: this.wordOf(id) });
  }

  deliver(at: number): void {
    const [message] = this.flying.splice(at, 1);
    if (message !== undefined) this.heard.get(message.to)?.set(message.from, message.word);
  }

  step(id: NodeId): FoundingStep {
    const word = this.wordOf(id);
    const newCluster = `made by ${word.disk}`;
    const step = nextStep({ id, word, newCluster }, this.heard.get(id) ?? new Map());
    if (step.kind === "record") {
      this.disks.set(id, { disk: word.disk, record: step.record });
      this.say(id);
    } else if (step.kind === "founded") {
      const seats = this.voted.get(id) ?? new Set();
      this.voted.set(id, seats.add(`${step.proposal.cluster} by ${word.disk}`));
    }
    return step;
  }

  /** All words arrive, again and again, until nobody has anything to do. */
  settle(): FoundingStep[] {
    for (let round = 0; round < 20; round++) {
      for (const id of [n1, n2, n3]) this.say(id);
      while (this.flying.length > 0) this.deliver(0);
      for (const id of [n1, n2, n3]) this.step(id);
    }
    return [n1, n2, n3].map((id) => this.step(id));
  }
}

describe("founding", () => {
  it("rule 26: takes two steps: none votes before all three have recorded the same", () => {
    const world = new World(1);
    assert.deepEqual(world.step(n1), { kind: "wait", for: [n2, n3] });
    for (const id of [n1, n2, n3]) world.say(id);
    while (world.flying.length > 0) world.deliver(0);
    assert.deepEqual(world.step(n2), { kind: "wait", for: [n1] });
    assert.equal(world.step(n1).kind, "record");
    assert.deepEqual(world.step(n1), { kind: "wait", for: [n2, n3] });
    while (world.flying.length > 0) world.deliver(0);
    assert.equal(world.step(n2).kind, "record");
    while (world.flying.length > 0) world.deliver(0);
    assert.deepEqual(world.step(n1), { kind: "wait", for: [n3] });
    assert.equal(world.voted.size, 0);
    const steps = world.settle();
    assert.deepEqual(new Set(steps.map(({ kind }) => kind)), new Set(["founded"]));
    const clusters = steps.map((step) => (step.kind === "founded" ? step.proposal.cluster : ""));
    assert.equal(new Set(clusters).size, 1);
  });

  it("rule 26: whatever is lost, late or emptied, a seat votes from one folder only, in one cluster", () => {
    const ends = new Map<string, number>();
    for (let seed = 1; seed <= 4000; seed++) {
      const world = new World(seed);
      const { random } = world;
      for (let turn = 0; turn < 60; turn++) {
        const id = random.pick([n1, n2, n3]);
        const what = random.below(20);
        if (what === 0 && random.chance(1, 3) && world.isKnownWithout(id)) world.wipe(id);
        else if (what === 1) world.restart(id);
        else if (what < 5) world.say(id);
        else if (what < 14 && world.flying.length > 0) world.deliver(random.below(world.flying.length));
        else world.step(id);
        if (world.flying.length > 12) world.flying.splice(random.below(world.flying.length), 1);
      }
      const kinds = world.settle().map(({ kind }) => kind);
      const clusters = new Set<string>();
      for (const [id, votes] of world.voted) {
        assert.ok(votes.size <= 1, `seed ${seed}: ${id} votes as ${[...votes].join(" and ")}`);
        for (const vote of votes) clusters.add(vote.slice(0, vote.indexOf(" by folder", 10)));
      }
      assert.ok(clusters.size <= 1, `seed ${seed}: ${[...clusters].join(" and ")}`);
      for (const kind of kinds) ends.set(kind, (ends.get(kind) ?? 0) + 1);
    }
    for (const kind of ["founded", "late", "refuse"]) assert.ok((ends.get(kind) ?? 0) > 50, `${kind} was met`);
  });

  it("rule 26: an emptied founder of a cluster that was founded comes back as somebody else", () => {
    const world = new World(1);
    world.settle();
    world.wipe(n2);
    const [, second] = world.settle();
    assert.equal(second?.kind, "late");
    assert.equal(world.voted.get(n2)?.size, 1);
  });

  it("rule 26: one that cannot hear every founder waits, and says for whom", () => {
    const world = new World(1);
    const word = world.wordOf(n2);
    const founder = { id: n1, word: world.wordOf(n1), newCluster: "c" };
    assert.deepEqual(nextStep(founder, new Map([[n2, word]])), { kind: "wait", for: [n3] });
  });

  it("rule 26: two different beginnings are refused, with both sides named", () => {
    const own = { id: n1, word: new World(1).wordOf(n1), newCluster: "c" };
    const theirs = new World(2).wordOf(n2);
    const refused = (word: FoundingWord): string => {
      const step = nextStep(own, new Map([[n2, word]]));
      return step.kind === "refuse" ? step.why : step.kind;
    };
    assert.match(refused({ ...theirs, groups: 8 }), /--groups of n1 is 4, that of n2 8/);
    assert.match(
      refused({ ...theirs, peers: [n1, n2, n3] }),
      /--peers of n1 names n1, n2, n3, n4, that of n2 n1, n2, n3;/,
    );
    const proposal = (cluster: string) => ({ cluster, peers, groups: 4, disks: [own.word.disk, theirs.disk, "d"] });
    const mine = { ...own, word: { ...own.word, record: { stage: "complete", proposal: proposal("a") } as const } };
    const other = { ...theirs, record: { stage: "recorded", proposal: proposal("b") } as const };
    const step = nextStep(mine, new Map([[n2, other]]));
    assert.ok(step.kind === "refuse" && /n1 is of cluster a, n2 of cluster b/.test(step.why));
  });
});
