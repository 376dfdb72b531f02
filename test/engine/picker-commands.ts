// An LSM tree in text, and what the picker says to it: the commands of testdata/picker/*.txt.
//
//   options trigger=4 stop=12 base=128M factor=10        as long as nothing else is said
//   lsm                                                  the tree; answers sizes, targets and scores of its levels
//   L0  9  a..z    16M
//   L6  3  2/a..f  8M  entries=100 tombstones=20 stamp=50 expiring=10 expiry=30..90 keys=80 sequence=7 least=2
//   garbage                                              who lives, who is dead, how far garbage may go
//   living 1 2
//   horizon 1  watermark=50 expiry=40
//   dead 3  clean=20                                     tables from 20 on were written without its keys
//   snapshot 7
//   pick                                                 what to do now
//   range 0 c..d                                         what a manual compaction does in level 0
//
// A key is of incarnation 1 when it does not say which: 2/a is key a of incarnation 2.

import { fileNumber, incarnation, sequence } from "../../internal/base/ids.ts";
import { neverExpires, stamp } from "../../internal/base/stamp.ts";
import type { GarbageHorizon } from "../../internal/engine/garbage.ts";
import { levelTargets } from "../../internal/engine/compaction/level-targets.ts";
import { levelScores, pickCompaction, pickRange } from "../../internal/engine/compaction/picker.ts";
import type { Circumstances, CompactionChoice, PickerOptions } from "../../internal/engine/compaction/picker.ts";
import type { KeyRange, TableMeta } from "../../internal/engine/table-meta.ts";
import { bytesOf, changeVersion, emptyVersion, faultOf } from "../../internal/engine/version/version.ts";
import type { PlacedTable, Version } from "../../internal/engine/version/version.ts";
import { keyOf, metaOf } from "./version-fixture.ts";

const megabyte = 1024 * 1024;

export class PickerCommands {
  private version: Version = emptyVersion;
  private options: PickerOptions = {
    levelZeroTrigger: 4,
    levelZeroStop: 12,
    levelBaseBytes: 128 * megabyte,
    levelFactor: 10,
  };
  private garbage: Omit<Circumstances, "options"> = noGarbage();

  run(words: readonly string[], body: readonly string[]): string[] {
    const [command = "", first = "", second = ""] = words;
    switch (command) {
      case "options":
        this.options = optionsOf(words.slice(1));
        return [];
      case "lsm":
        return this.define(body);
      case "garbage":
        this.garbage = garbageOf(body);
        return [];
      case "pick":
        return [shownChoice(pickCompaction(this.version, this.circumstances))];
      case "range":
        return [
          shownChoice(pickRange(this.version, { level: Number(first), range: rangeOf(second) }, this.circumstances)),
        ];
      default:
        throw new Error(`no such command: ${command}`);
    }
  }

  private get circumstances(): Circumstances {
    return { ...this.garbage, options: this.options };
  }

  private define(body: readonly string[]): string[] {
    this.garbage = noGarbage();
    this.version = changeVersion(emptyVersion, [], body.map(tableOf));
    const fault = faultOf(this.version);
    if (fault !== undefined) throw new Error(fault);
    const targets = levelTargets(this.version, this.options);
    const scores = levelScores(this.version, this.options);
    const lines: string[] = [];
    for (const [level, tables] of this.version.levels.entries()) {
      const target = targets.bytes[level] ?? 0;
      if (tables.length === 0 && level !== targets.base) continue;
      const wanted = level === 0 || target === 0 ? "" : `, target ${target === Infinity ? "open" : shownBytes(target)}`;
      const base = level === targets.base ? ", level 0 goes here" : "";
      lines.push(`L${level} ${shownBytes(bytesOf(tables))}${wanted}, score ${shownScore(scores[level] ?? 0)}${base}`);
    }
    return lines;
  }
}

function noGarbage(): Omit<Circumstances, "options"> {
  return { living: [incarnation(1)], horizons: new Map(), dead: new Map(), snapshots: [] };
}

function optionsOf(words: readonly string[]): PickerOptions {
  const given = attributesOf(words);
  return {
    levelZeroTrigger: given("trigger", 4),
    levelZeroStop: given("stop", 12),
    levelBaseBytes: given("base", 128 * megabyte),
    levelFactor: given("factor", 10),
  };
}

function tableOf(line: string): PlacedTable {
  const [level = "", number = "", keys = "", size = "", ...rest] = line.split(/\s+/);
  const given = attributesOf(rest);
  const [, expiryLeast, expiryGreatest] = /expiry=(\d+)\.\.(\d+)/.exec(line) ?? [];
  const at = sequence(given("sequence", Number(number)));
  const meta: TableMeta = metaOf({
    ...rangeOf(keys),
    number: fileNumber(Number(number)),
    bytes: bytesIn(size),
    entries: given("entries", 100),
    keys: given("keys", given("entries", 100)),
    tombstones: given("tombstones", 0),
    expiring: given("expiring", 0),
    expiryLeast: expiryLeast === undefined ? neverExpires : stamp(Number(expiryLeast)),
    expiryGreatest: expiryGreatest === undefined ? neverExpires : stamp(Number(expiryGreatest)),
    stampGreatest: stamp(given("stamp", 1)),
    sequenceLeast: sequence(given("least", at)),
    sequenceGreatest: at,
  });
  return { level: Number(level.slice(1)), meta };
}

function garbageOf(body: readonly string[]): Omit<Circumstances, "options"> {
  const horizons = new Map<GarbageHorizon["incarnation"], GarbageHorizon>();
  const rules = { ...noGarbage(), horizons, dead: new Map(), snapshots: [] as Circumstances["snapshots"][number][] };
  for (const line of body) {
    const [command, ...words] = line.split(/\s+/);
    const given = attributesOf(words);
    const of = incarnation(Number(words[0]));
    if (command === "living") rules.living = words.map((word) => incarnation(Number(word)));
    else if (command === "dead") rules.dead.set(of, fileNumber(given("clean", Number.MAX_SAFE_INTEGER)));
    else if (command === "snapshot") rules.snapshots.push(sequence(Number(words[0])));
    else {
      const [watermark, expiryHorizon] = [stamp(given("watermark", 0)), stamp(given("expiry", 0))];
      horizons.set(of, { incarnation: of, watermark, expiryHorizon });
    }
  }
  return rules;
}

function attributesOf(words: readonly string[]): (name: string, otherwise: number) => number {
  const given = new Map(words.map((word) => word.split("=") as [string, string | undefined]));
  return (name, otherwise) => {
    const text = given.get(name);
    return text === undefined ? otherwise : bytesIn(text);
  };
}

function rangeOf(text: string): KeyRange {
  const [from = "", to = from] = text.split("..");
  const of = /^(\d+)\//.exec(from)?.[1] ?? "1";
  return { smallest: keyIn(from, of), largest: keyIn(to, of) };
}

function keyIn(text: string, otherwise: string): Uint8Array {
  const [, of = otherwise, key = ""] = /^(?:(\d+)\/)?(.*)$/.exec(text) ?? [];
  return keyOf(Number(of), key);
}

function bytesIn(text: string): number {
  return text.endsWith("M") ? Number(text.slice(0, -1)) * megabyte : Number(text);
}

function shownBytes(bytes: number): string {
  return `${Number((bytes / megabyte).toFixed(1))}M`;
}

function shownScore(score: number): string {
  return score === Number.MAX_VALUE ? "over all" : score.toFixed(2);
}

function shownChoice(choice: CompactionChoice | undefined): string {
  if (choice === undefined) return "nothing";
  if (choice.kind === "drop") return `drop ${shownTables(choice.tables)}`;
  if (choice.kind === "move") return `move ${shownTables([choice.table])} to L${choice.to}`;
  const bytes = shownBytes(bytesOf(choice.inputs.map((entry) => entry.meta)));
  return `merge ${shownTables(choice.inputs)} to L${choice.to}, ${bytes}, for ${choice.reason}`;
}

function shownTables(tables: readonly PlacedTable[]): string {
  const levels = new Map<number, number[]>();
  for (const { level, meta } of tables) levels.set(level, [...(levels.get(level) ?? []), meta.number]);
  return [...levels].map(([level, numbers]) => `L${level} ${numbers.join(" ")}`).join(" + ");
}
