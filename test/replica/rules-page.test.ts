// docs/rules.md against what it names: every test that bears a rule's number is listed with that rule, and every test, trace, check of the
// simulator, planted bug and figure that it names is there.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { logIndex, replicaId, term } from "../../internal/base/ids.ts";
import { stamp, stampOfMilliseconds } from "../../internal/base/stamp.ts";
import { configuration } from "../../internal/raft/configuration.ts";
import { checkedOptions } from "../../internal/raft/options.ts";
import { fatesToldDays } from "../../internal/replica/fates.ts";
import { GroupState, refusalOfRequest } from "../../internal/replica/group-state.ts";
import { replicaDefaults } from "../../internal/replica/options.ts";
import { simMutants, unplanted } from "../sim-mutants/mutants.ts";
import { rowsOfPage } from "../support/hex-page.ts";

const page = readFileSync("docs/rules.md", "utf8");
const rulesCount = 26;

/** By number: what stands under a rule's heading. */
const sections = new Map(
  page
    .split(/^### Rule /m)
    .slice(1)
    .map((text): [number, string] => [Number.parseInt(text, 10), text.split(/^## /m)[0] ?? ""]),
);

/** What a rule lists under a word, if it does. */
function listed(rule: number, word: string): string[] {
  const line = new RegExp(`^- ${word}: (.*)$`, "m").exec(sections.get(rule) ?? "")?.[1] ?? "";
  return [...line.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
}

const testFiles = ["internal", "test"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => `${folder}/${name}`),
);

const traces = readdirSync("test/raft/testdata").map((name) => name.replace(/\.txt$/, ""));

describe("docs/rules.md", () => {
  it("has every rule, in order", () => {
    assert.deepEqual(
      [...sections.keys()],
      Array.from({ length: rulesCount }, (_, at) => at + 1),
    );
  });

  it("lists every test and trace that bears a rule's number, and no file that is not there", () => {
    for (let rule = 1; rule <= rulesCount; rule++) {
      const named = listed(rule, "Tests");
      for (const file of named) assert.ok(existsSync(file), `rule ${rule} names ${file}`);
      const bearing = testFiles.filter((file) => readFileSync(file, "utf8").includes(`it("rule ${rule}: `));
      assert.ok(bearing.length > 0, `no test bears the number ${rule}`);
      assert.deepEqual(
        bearing.filter((file) => !named.includes(file)),
        [],
        `rule ${rule} leaves tests out`,
      );
      const hasTraces = traces.some((name) => name.startsWith(`rule-${rule}-`));
      assert.deepEqual(listed(rule, "Traces"), hasTraces ? [`rule-${rule}-*`] : [], `traces of rule ${rule}`);
    }
  });

  it("names checks that the simulator has", () => {
    const all = readdirSync("test/sim", { recursive: true, encoding: "utf8" });
    const sources = all.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
    const simulator = sources.map((name) => readFileSync(`test/sim/${name}`, "utf8")).join("\n");
    const described = readFileSync("docs/simulation.md", "utf8");
    for (const rule of sections.keys()) {
      for (const check of listed(rule, "Simulator")) {
        assert.ok(
          simulator.includes(`"${check}"`),
          `rule ${rule} names ${check}, which no check of test/sim is called`,
        );
        assert.ok(described.includes(`\`${check}\``), `${check} is not described in docs/simulation.md`);
      }
    }
  });

  it("has a planted bug for every rule, under its number or named on the page, or a reason why there is none", () => {
    const names = simMutants.map(({ name }) => name);
    for (const rule of sections.keys()) {
      const planted = listed(rule, "Planted");
      assert.deepEqual(
        planted.filter((name) => !names.includes(name)),
        [],
        `rule ${rule}`,
      );
      const bearing = names.filter((name) => name.startsWith(`rule ${rule}: `) || name.endsWith(`(rule ${rule})`));
      const excused = unplanted.filter(
        ({ name }) => name.startsWith(`rule ${rule}:`) || name.endsWith(`(rule ${rule})`),
      );
      assert.ok(planted.length + bearing.length + excused.length > 0, `rule ${rule} has no planted bug`);
    }
  });

  it("says the figures that the code has", () => {
    const { clockOffsetMax, earlyElectionTicks } = checkedOptions({});
    const figures: Readonly<Record<string, number>> = {
      "stamps ahead of a follower's clock (1)": clockOffsetMax,
      "salvage window (2, 10)": replicaDefaults.salvageWindowMilliseconds,
      "ends of terms that are remembered (3)": boundariesKept(),
      "idle group's stamps (4)": replicaDefaults.idleTickMilliseconds,
      "backlog without a quorum (10)": replicaDefaults.backlogEntriesMax,
      "backlog without a quorum, bytes (10)": replicaDefaults.backlogBytesMax,
      "lost writes without a fate, bytes (10)": replicaDefaults.salvageBytesMax,
      "age of the backlog in health (11)": replicaDefaults.fastBacklogMilliseconds,
      "fates told (13)": fatesToldDays,
      "wait for own answers (16)": replicaDefaults.ownReadMilliseconds,
      "answers remembered (17)": leastRefused((age) => refusalOfRequest(asked(0), stampOfMilliseconds(age))),
      "requests ahead of the log (17)":
        leastRefused((ahead) => refusalOfRequest(asked(ahead), stampOfMilliseconds(0))) - 1,
      "requests remembered (17)": replicaDefaults.answersMax,
      "early election (24)": earlyElectionTicks,
    };
    const rows = rowsOfPage(page, "figure | value");
    assert.deepEqual(Object.fromEntries(rows.map(([name, value = ""]) => [name, Number.parseInt(value, 10)])), figures);
    const settings = readFileSync("docs/configuration.md", "utf8");
    for (const [, , setting = ""] of rows) {
      assert.ok(!setting.startsWith("`") || settings.includes(setting.slice(0, -1)), `${setting} is no setting`);
    }
  });
});

const asked = (milliseconds: number) => ({ id: Uint8Array.of(1), stamp: stampOfMilliseconds(milliseconds) });

/** The least number of milliseconds that is refused. */
function leastRefused(refusal: (milliseconds: number) => string | undefined): number {
  let [taken, refused] = [0, 10_000_000];
  while (refused - taken > 1) {
    const middle = Math.floor((taken + refused) / 2);
    if (refusal(middle) === undefined) taken = middle;
    else refused = middle;
  }
  return refused;
}

/** A group whose every entry is of another term. */
function boundariesKept(): number {
  const state = new GroupState(configuration([1, 2, 3].map(replicaId)));
  for (let at = 1; at < 10_000; at++) {
    state.advance({ term: term(at), index: logIndex(at), stamp: stamp(at) });
    state.takeSurplusBoundary();
  }
  return state.boundaries.length;
}
