// One line of a benchmark's table, and the arithmetic of rounds: every figure is the median of its
// rounds, every ratio the median of the rounds' ratios (both sides of a ratio come from one round, so
// that what slows the machine for a while slows both).

export interface Row {
  readonly work: string;
  readonly unit: string;
  readonly trefoil: number | undefined;
  readonly peer: number | undefined;
  readonly ratio: number | undefined;
  /** What the row has to reach, in words; empty for a row that only informs. */
  readonly target: string;
  readonly met: boolean | undefined;
  readonly aimMet: boolean | undefined;
  readonly note: string;
}

/** What a target is held against: the ratio to the peer, or Trefoil's figure itself. */
export interface Target {
  readonly of: "ratio" | "figure";
  readonly better: "above" | "below";
  readonly atLeast: number;
  readonly aim?: number;
  /** How the target reads, when numbers alone would not say it. */
  readonly words?: string;
}

export interface RowParts {
  readonly work: string;
  readonly unit: string;
  readonly trefoil: readonly number[];
  readonly peer?: readonly number[];
  readonly target?: Target;
  readonly note?: string;
}

export function rowOf(parts: RowParts): Row {
  const trefoil = median(parts.trefoil);
  const peers = parts.peer ?? [];
  const ratio = median(peers.map((peer, round) => (parts.trefoil[round] ?? Number.NaN) / peer));
  const judged = parts.target?.of === "ratio" ? ratio : trefoil;
  return {
    work: parts.work,
    unit: parts.unit,
    trefoil,
    peer: median(peers),
    ratio,
    target: parts.target === undefined ? "" : describeTarget(parts.target),
    met: judged === undefined ? undefined : reaches(judged, parts.target, parts.target?.atLeast),
    aimMet: judged === undefined ? undefined : reaches(judged, parts.target, parts.target?.aim),
    note: parts.note ?? "",
  };
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.filter((value) => Number.isFinite(value)).toSorted((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

function reaches(value: number, target: Target | undefined, bound: number | undefined): boolean | undefined {
  if (target === undefined || bound === undefined) return undefined;
  return target.better === "above" ? value >= bound : value <= bound;
}

function describeTarget(target: Target): string {
  if (target.words !== undefined) return target.words;
  const sign = target.better === "above" ? "≥" : "≤";
  const unit = target.of === "ratio" ? " x" : "";
  const aim = target.aim === undefined ? "" : `, aim ${target.aim}${unit}`;
  return `${sign} ${target.atLeast}${unit}${aim}`;
}

/** The table as Markdown, which also reads well on a terminal. */
export function renderRows(rows: readonly Row[]): string {
  const header = ["work", "unit", "Trefoil", "peer", "ratio", "target", "met", "note"];
  const cells = rows.map((row) => [
    row.work,
    row.unit,
    figure(row.trefoil),
    figure(row.peer),
    row.ratio === undefined ? "" : `${row.ratio.toFixed(2)} x`,
    row.target,
    verdict(row),
    row.note,
  ]);
  const widths = header.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const line = (fields: readonly string[]): string =>
    `| ${fields.map((field, column) => field.padEnd(widths[column] as number)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(header), rule, ...cells.map(line)].join("\n");
}

function verdict(row: Row): string {
  if (row.met === undefined) return "";
  if (!row.met) return "no";
  return row.aimMet === true ? "aim" : "yes";
}

export function figure(value: number | undefined): string {
  if (value === undefined) return "";
  const size = Math.abs(value);
  if (size >= 10_000) return `${Math.round(value / 1000).toLocaleString("en-US")} K`;
  if (size >= 100) return value.toFixed(0);
  return value.toFixed(size >= 10 ? 1 : 2);
}
