// A strict reader of the text exposition format (version 0.0.4): whatever a scraper would refuse or misread is an error here.

import assert from "node:assert/strict";

export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ParsedFamily {
  readonly type: string;
  readonly help: string;
  readonly samples: ParsedSample[];
}

/** The same for the same labels, in whatever order. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .toSorted((a, b) => (a < b ? -1 : 1))
    .join(",");
}

const labelPattern = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/;

export function parseExposition(text: string): ReadonlyMap<string, ParsedFamily> {
  assert.ok(text.endsWith("\n"), "the last line ends");
  const families = new Map<string, ParsedFamily>();
  let current: { readonly name: string; readonly family: ParsedFamily } | undefined;
  let help: { readonly name: string; readonly text: string } | undefined;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const helpMatch = /^# HELP (\S+) (.+)$/.exec(line);
    const typeMatch = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
    if (helpMatch !== null) {
      help = { name: helpMatch[1] as string, text: helpMatch[2] as string };
    } else if (typeMatch !== null) {
      const name = typeMatch[1] as string;
      assert.match(name, /^trefoil_[a-z][a-z0-9_]*$/);
      assert.equal(help?.name, name, "help stands before its type");
      assert.ok(!families.has(name), `${name} is there twice`);
      current = { name, family: { type: typeMatch[2] as string, help: help?.text ?? "", samples: [] } };
      families.set(name, current.family);
    } else {
      assert.ok(current !== undefined, `a sample without a family: ${line}`);
      current.family.samples.push(parseSample(line, current.name, current.family.type));
    }
  }
  for (const [name, family] of families) checkFamily(name, family);
  return families;
}

function parseSample(line: string, family: string, type: string): ParsedSample {
  const match = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line);
  assert.ok(match !== null, `no sample: ${line}`);
  const [, name = "", inBraces = "", number = ""] = match;
  const part = name.slice(family.length);
  assert.ok(name.startsWith(family), `${name} under ${family}`);
  assert.ok(type === "histogram" ? ["_bucket", "_sum", "_count"].includes(part) : part === "", `${name} of a ${type}`);
  const value = Number(number.replace("Inf", "Infinity"));
  return { name, labels: parseLabels(inBraces), value };
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const match = labelPattern.exec(rest);
    assert.ok(match !== null, `no label: ${rest}`);
    const [whole, name = "", value = ""] = match;
    assert.ok(!Object.hasOwn(labels, name), `label ${name} twice`);
    labels[name] = value.replace(/\\(["\\n])/g, (_escape, sign: string) => (sign === "n" ? "\n" : sign));
    rest = rest.slice(whole.length);
  }
  return labels;
}

function checkFamily(name: string, { type, samples }: ParsedFamily): void {
  const series = samples.map((sample) => `${sample.name} ${labelsText(sample.labels)}`);
  assert.equal(new Set(series).size, series.length, `${name} has a series twice`);
  if (type === "counter") {
    assert.match(name, /_total$/);
    for (const { value } of samples) assert.ok(value >= 0, `${name} ${value}`);
  }
  if (type === "histogram") checkHistogram(name, samples);
}

/** Buckets grow up to `+Inf`, which is the count. */
function checkHistogram(name: string, samples: readonly ParsedSample[]): void {
  const bySeries = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const { le, ...labels } = sample.labels;
    assert.equal(le !== undefined, sample.name.endsWith("_bucket"), `${sample.name} and le`);
    const series = JSON.stringify(labels);
    bySeries.set(series, [...(bySeries.get(series) ?? []), sample]);
  }
  for (const [series, ofSeries] of bySeries) {
    const buckets = ofSeries.filter((sample) => sample.name.endsWith("_bucket"));
    const ends = buckets.map(({ labels }) => Number(labels["le"]?.replace("Inf", "Infinity")));
    assert.deepEqual(
      ends,
      ends.toSorted((a, b) => a - b),
      `${name} ${series}: ends of buckets`,
    );
    assert.equal(ends.at(-1), Infinity);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name} ${series}: buckets`,
    );
    assert.equal(ofSeries.find((sample) => sample.name === `${name}_count`)?.value, counts.at(-1));
    assert.ok(
      ofSeries.some((sample) => sample.name === `${name}_sum`),
      `${name} ${series}: a sum`,
    );
  }
}
