import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { groupId } from "../base/ids.ts";
import type { GroupId } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { bestByTrying, bestLeadersByTrying, scoreOf, scoreOfLeaders } from "../../test/ring/placements-tried.ts";
import { foundingPlacement, metaGroup, plan } from "./placement.ts";
import type { GroupPlacement, PlacementNode, ReplicaMove } from "./placement.ts";

interface Planned {
  readonly placement: readonly GroupPlacement[];
  readonly moves: readonly ReplicaMove[];
}

/** n1, n2, ... in the zones that `zones` names, one letter a node. */
const nodesIn = (zones: string): PlacementNode[] => Array.from(zones, (zone, at) => ({ id: `n${at + 1}`, zone }));
/** The meta group and groups 1 to `count`. */
const groupsTo = (count: number): GroupId[] => Array.from({ length: count + 1 }, (_, at) => groupId(at));

function planned(present: readonly GroupPlacement[], nodes: readonly PlacementNode[], groups: GroupId[]): Planned {
  const result = plan(present, nodes, groups);
  assert.equal(result.kind, "planned");
  return result;
}

function founded(nodes: readonly PlacementNode[], groups: GroupId[]): Planned {
  const founding = foundingPlacement(nodes.map((node) => node.id));
  assert.ok(founding !== undefined);
  return planned([founding], nodes, groups);
}

const replicasOn = (placement: readonly GroupPlacement[], node: string): number =>
  placement.filter((placed) => placed.nodes.includes(node)).length;
const leadersOn = (placement: readonly GroupPlacement[], node: string): number =>
  placement.filter((placed) => placed.leader === node).length;
const holdKeys = (placement: readonly GroupPlacement[]): GroupPlacement[] =>
  placement.filter((placed) => placed.group !== metaGroup);

function unevenness(nodes: readonly PlacementNode[], countOn: (node: string) => number): number {
  const counts = nodes.map((node) => countOn(node.id));
  return Math.max(...counts) - Math.min(...counts);
}

function checkValid(placement: readonly GroupPlacement[], nodes: readonly PlacementNode[], groups: GroupId[]): void {
  assert.deepEqual(
    placement.map((placed) => placed.group),
    groups.toSorted((left, right) => left - right),
  );
  const zoneOf = new Map(nodes.map(({ id, zone }) => [id, zone]));
  const zoneCount = new Set(zoneOf.values()).size;
  for (const { group, nodes: chosen, leader } of placement) {
    assert.deepEqual(chosen, [...new Set(chosen)].sort(), `group ${group} on different nodes, in order`);
    assert.equal(chosen.length, 3);
    assert.ok(chosen.includes(leader), `the leader of group ${group} is one of its nodes`);
    const zones = chosen.map((id) => zoneOf.get(id));
    assert.ok(!zones.includes(undefined), `group ${group} lies on nodes that are there`);
    assert.ok(new Set(zones).size >= Math.min(3, zoneCount), `group ${group} lies in zones ${zones.join(" ")}`);
  }
}

/** Makes the moves one by one, and holds every step against the rules. */
function afterMoves(
  present: readonly GroupPlacement[],
  moves: readonly ReplicaMove[],
  each: (group: GroupPlacement) => void = () => {},
): GroupPlacement[] {
  const placed = new Map(present.map((group) => [group.group, group]));
  for (const { group, from, to } of moves) {
    const before = placed.get(group);
    assert.ok(before?.nodes.includes(from) === true && !before.nodes.includes(to), `${group}: ${from} to ${to}`);
    const nodes = before.nodes.map((id) => (id === from ? to : id)).sort();
    const after = { group, nodes, leader: before.leader === from ? to : before.leader };
    placed.set(group, after);
    each(after);
  }
  return [...placed.values()];
}

const nodeSets = (placement: readonly GroupPlacement[]): string[] =>
  placement.map(({ group, nodes }) => `${group}: ${nodes.join(" ")}`).sort();

const someZones = (least: number, most: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom("a", "b", "c", "d"), minLength: least, maxLength: most });

/** Any placement, even or not, over any nodes: some of those that there are, and some that are gone. */
const somePresent = (groups: number): fc.Arbitrary<GroupPlacement[]> =>
  fc.tuple(
    ...Array.from({ length: groups }, (_, at) =>
      fc
        .tuple(fc.shuffledSubarray(["n1", "n2", "n3", "n4", "n5", "n6"], { minLength: 3, maxLength: 3 }), fc.nat(2))
        .map(([nodes, leader]) => ({ group: groupId(at), nodes: nodes.toSorted(), leader: nodes[leader] as string })),
    ),
  );

describe("a placement", () => {
  it("begins with the meta group on the first three nodes by id", () => {
    assert.deepEqual(foundingPlacement(["n3", "n2", "n4", "n1"]), {
      group: 0,
      nodes: ["n1", "n2", "n3"],
      leader: "n1",
    });
    assert.deepEqual(foundingPlacement(["n9", "n10", "a", "B"])?.nodes, ["B", "a", "n10"], "by code units");
    assert.equal(foundingPlacement(["n1", "n2", "n1"]), undefined);
  });

  it("leaves the meta group where it was founded, and spreads the others over all nodes", () => {
    const nodes = nodesIn("aaaaaa");
    const { placement, moves } = founded(nodes, groupsTo(4));
    assert.deepEqual(placement[0], { group: 0, nodes: ["n1", "n2", "n3"], leader: "n1" });
    assert.deepEqual(moves, [], "groups that were nowhere before move nothing");
    assert.deepEqual(
      nodes.map(({ id }) => replicasOn(holdKeys(placement), id)),
      [2, 2, 2, 2, 2, 2],
    );
  });

  it("of three nodes has all groups on all of them, and their leaders in turn", () => {
    const { placement } = founded(nodesIn("abc"), groupsTo(4));
    for (const { nodes } of placement) assert.deepEqual(nodes, ["n1", "n2", "n3"]);
    assert.deepEqual(
      ["n1", "n2", "n3"].map((id) => leadersOn(holdKeys(placement), id)).sort((a, b) => a - b),
      [1, 1, 2],
    );
    assert.equal(
      unevenness(nodesIn("abc"), (id) => leadersOn(placement, id)),
      1,
    );
  });

  it("is refused with fewer than three nodes", () => {
    assert.deepEqual(plan([], nodesIn("ab"), groupsTo(1)), { kind: "refused", why: "too_few_nodes" });
  });

  it("moves the meta group when its nodes are gone, or its zones are not apart", () => {
    const { placement } = founded(nodesIn("abc"), groupsTo(2));
    const gone = nodesIn("abca").slice(1);
    const first = planned(placement, gone, groupsTo(2));
    assert.deepEqual(first.placement[0]?.nodes, ["n2", "n3", "n4"]);
    const oneZone = founded(nodesIn("aaabc"), groupsTo(0));
    assert.deepEqual(oneZone.placement[0]?.nodes.slice(1), ["n4", "n5"]);
    assert.equal(oneZone.moves.length, 2);
    checkValid(oneZone.placement, nodesIn("aaabc"), groupsTo(0));
  });

  it("stops at what is named twice, or lies on fewer than three nodes", () => {
    const nodes = nodesIn("abc");
    assert.throws(() => plan([], [...nodes, { id: "n2", zone: "z" }], groupsTo(1)), /named twice/);
    assert.throws(() => plan([], nodes, [groupId(1), groupId(2), groupId(1)]), /named twice/);
    const present = { group: groupId(1), nodes: ["n1", "n2", "n2"], leader: "n1" };
    assert.throws(() => plan([present], nodes, groupsTo(1)), /three different nodes/);
  });

  it("is the same in whatever order things are named", () => {
    fc.assert(
      fc.property(someZones(3, 6), somePresent(4), fc.nat(), (zones, present, seed) => {
        const chance = new Prng(seed);
        const shuffled = <T>(items: readonly T[]): T[] => chance.shuffle([...items]);
        const nodes = nodesIn(zones);
        const groups = groupsTo(4);
        assert.deepEqual(plan(shuffled(present), shuffled(nodes), shuffled(groups)), plan(present, nodes, groups));
      }),
      { numRuns: 100 },
    );
  });
});

describe("a plan, held against every other placement", () => {
  it("is valid, as even as can be, and has the fewest moves", () => {
    fc.assert(
      fc.property(someZones(3, 5), fc.integer({ min: 1, max: 4 }), somePresent(4), (zones, count, anywhere) => {
        const nodes = nodesIn(zones);
        const groups = groupsTo(count - 1);
        const present = anywhere.slice(0, count);
        const { placement, moves } = planned(present, nodes, groups);
        checkValid(placement, nodes, groups);
        assert.deepEqual(scoreOf(placement, nodes, present), bestByTrying(nodes, groups, present));
        assert.deepEqual(nodeSets(afterMoves(present, moves)), nodeSets(placement));
        assert.deepEqual(scoreOfLeaders(placement, nodes, present), bestLeadersByTrying(placement, nodes, present));
      }),
      { numRuns: 150 },
    );
  });

  it("is so too when groups are new, and when the meta group is not placed", () => {
    fc.assert(
      fc.property(someZones(3, 5), somePresent(4), fc.boolean(), (zones, anywhere, hasMeta) => {
        const nodes = nodesIn(zones);
        const groups = groupsTo(3).slice(hasMeta ? 0 : 1);
        const present = anywhere.filter((_, at) => at % 2 === 1);
        const { placement } = planned(present, nodes, groups);
        checkValid(placement, nodes, groups);
        assert.deepEqual(scoreOf(placement, nodes, present), bestByTrying(nodes, groups, present));
      }),
      { numRuns: 50 },
    );
  });
});

describe("a cluster that grows and shrinks", () => {
  /** Nodes come and go, groups come; after each step a plan from what the one before left. */
  const someStory = fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ does: fc.constant("join" as const), zone: fc.constantFrom("a", "b", "c", "d") }),
      },
      { weight: 2, arbitrary: fc.record({ does: fc.constant("leave" as const), which: fc.nat(30) }) },
      { weight: 2, arbitrary: fc.record({ does: fc.constant("grow" as const) }) },
    ),
    { minLength: 1, maxLength: 12 },
  );

  it("keeps its placement valid, moves nothing without need, and can stop half-way", () => {
    fc.assert(
      fc.property(
        someZones(3, 6),
        fc.integer({ min: 1, max: 12 }),
        someStory,
        fc.nat(100),
        (zones, count, story, stop) => {
          let nodes = nodesIn(zones);
          let groups = groupsTo(count);
          let placement = founded(nodes, groups).placement;
          let named = nodes.length;
          for (const step of story) {
            if (step.does === "join") nodes = [...nodes, { id: `n${++named}`, zone: step.zone }];
            else if (step.does === "grow") groups = groupsTo(groups.length);
            else if (nodes.length > 3) nodes = nodes.filter((_, at) => at !== step.which % nodes.length);
            const next = planned(placement, nodes, groups);
            checkValid(next.placement, nodes, groups);
            assert.deepEqual(planned(next.placement, nodes, groups), {
              kind: "planned",
              placement: next.placement,
              moves: [],
            });

            const made = next.moves.slice(0, stop % (next.moves.length + 1));
            const halfWay = afterMoves(placement, made);
            const known = new Set(placement.map(({ group }) => group));
            const newGroups = next.placement.filter(({ group }) => !known.has(group));
            const rest = planned([...halfWay, ...newGroups], nodes, groups);
            assert.equal(rest.moves.length, next.moves.length - made.length, "a plan that was stopped half-way");
            placement = next.placement;
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is even to one replica and one leader, where zones do not stand in the way", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("a", "ab", "abc", "abcd"),
        fc.integer({ min: 1, max: 3 }),
        fc.nat(16),
        (zones, times, count) => {
          const nodes = nodesIn(zones.repeat(zones.length === 1 ? times + 2 : zones.length === 2 ? times + 1 : times));
          const groups = groupsTo(count);
          const { placement } = planned([], nodes, groups);
          const users = holdKeys(placement);
          assert.ok(unevenness(nodes, (id) => replicasOn(users, id)) <= 1);
          assert.ok(unevenness(nodes, (id) => replicasOn(placement, id)) <= 1);
          assert.ok(unevenness(nodes, (id) => leadersOn(users, id)) <= 1);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("is even with 64 groups too", () => {
    for (const zones of ["aaaa", "ababa", "abcabcabc", "abcdabcdabcdabcd"]) {
      const nodes = nodesIn(zones);
      const { placement } = founded(nodes, groupsTo(64));
      checkValid(placement, nodes, groupsTo(64));
      assert.ok(unevenness(nodes, (id) => replicasOn(placement, id)) <= 1, zones);
      assert.ok(unevenness(nodes, (id) => leadersOn(holdKeys(placement), id)) <= 1, zones);
    }
  });

  it("moves to a node that is added just what that node gets, and from one that is taken away just what it had", () => {
    for (let nodeCount = 3; nodeCount <= 9; nodeCount++) {
      for (const groupCount of [1, 4, 8, 13, 16]) {
        const nodes = nodesIn("a".repeat(nodeCount));
        const more = nodesIn("a".repeat(nodeCount + 1));
        const added = `n${nodeCount + 1}`;
        const before = founded(nodes, groupsTo(groupCount));
        const grown = planned(before.placement, more, groupsTo(groupCount));
        const what = `${nodeCount} nodes, ${groupCount} groups`;
        assert.ok(unevenness(more, (id) => replicasOn(grown.placement, id)) <= 1, what);
        assert.equal(grown.moves.length, replicasOn(grown.placement, added), what);
        for (const { to } of grown.moves) assert.equal(to, added, what);

        const shrunk = planned(grown.placement, nodes, groupsTo(groupCount));
        assert.ok(unevenness(nodes, (id) => replicasOn(shrunk.placement, id)) <= 1, what);
        assert.equal(shrunk.moves.length, replicasOn(grown.placement, added), what);
        for (const { from } of shrunk.moves) assert.equal(from, added, what);
      }
    }
  });

  it("keeps zones apart on the way of each group, as far as they were and will be", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(100),
        (times, count, chance) => {
          const nodes = nodesIn("abc".repeat(times));
          const before = founded(nodes, groupsTo(count)).placement;
          const later = nodes.map((node, at) => (at === chance % nodes.length ? { id: node.id, zone: "d" } : node));
          const grown = [...later, { id: "x1", zone: "a" }, { id: "x2", zone: "b" }, { id: "x3", zone: "c" }];
          const zoneOf = new Map(grown.map(({ id, zone }) => [id, zone]));
          const { moves } = planned(before, grown, groupsTo(count));
          afterMoves(before, moves, ({ group, nodes: chosen }) => {
            assert.equal(new Set(chosen.map((id) => zoneOf.get(id))).size, 3, `group ${group}: ${chosen.join(" ")}`);
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});
