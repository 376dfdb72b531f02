// How single values are written: numbers with units, words, switches. Text that is no such value is answered with what to write.

import type { FsyncMode } from "../log/options.ts";
import type { Kind, Parsed } from "./setting.ts";

/** Largest unit first: a value is printed in the largest that leaves a whole number. */
const durationUnits: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

const byteUnits: readonly (readonly [string, number])[] = [
  ["TiB", 2 ** 40],
  ["GiB", 2 ** 30],
  ["MiB", 2 ** 20],
  ["KiB", 2 ** 10],
  ["B", 1],
];

const shownCharactersMax = 80;

/** What somebody wrote, to be shown to them: bounded, and with nothing that a terminal would obey. */
export function shown(text: string): string {
  const bounded = text.length > shownCharactersMax ? `${text.slice(0, shownCharactersMax)}…` : text;
  return JSON.stringify(bounded).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`,
  );
}

/** Milliseconds. */
export function duration(least: string, most: string): Kind<number> {
  const [min, max] = [measureOf(least, durationUnits) as number, measureOf(most, durationUnits) as number];
  return {
    placeholder: "DURATION",
    bounds: rangeOf([min, max], printDuration),
    parse: (text) => {
      const value = measureOf(text, durationUnits);
      if (value === undefined)
        return { fault: `${shown(text)} is no duration; write a number and its unit, as 50ms, 10s, 5m, 1h` };
      return within(value, [min, max], printDuration);
    },
    print: printDuration,
  };
}

export function bytes(least: string, most: string): Kind<number> {
  const [min, max] = [measureOf(least, byteUnits) as number, measureOf(most, byteUnits) as number];
  return {
    placeholder: "BYTES",
    bounds: rangeOf([min, max], printBytes),
    parse: (text) => {
      const value = measureOf(/^\d+$/.test(text) ? `${text}B` : text, byteUnits);
      if (value === undefined)
        return { fault: `${shown(text)} is no size; write bytes, or a number and KiB, MiB or GiB, as 64MiB` };
      return within(value, [min, max], printBytes);
    },
    print: printBytes,
  };
}

export function count(least: number, most: number): Kind<number> {
  return {
    placeholder: "NUMBER",
    bounds: rangeOf([least, most], String),
    parse: (text) => {
      if (!/^\d{1,15}$/.test(text)) return { fault: `${shown(text)} is no whole number from ${least} to ${most}` };
      return within(Number(text), [least, most], String);
    },
    print: String,
  };
}

export function word<Word extends string>(...words: readonly Word[]): Kind<Word> {
  return {
    placeholder: words.join("|"),
    parse: (text) => {
      const value = words.find((one) => one === text);
      return value === undefined ? { fault: `${shown(text)} is none of ${words.join(", ")}` } : { value };
    },
    print: (value) => value,
  };
}

export const toggle: Kind<boolean> = {
  placeholder: "",
  parse: (text) =>
    text === "true" || text === "false"
      ? { value: text === "true" }
      : { fault: `${shown(text)} is neither true nor false` },
  print: String,
};

export const folder: Kind<string> = pathKind("DIR");
export const file: Kind<string> = pathKind("FILE");

const nameCharactersMax = 63;

/** Of a node or a zone: stands in headers, labels and lists. */
export const name: Kind<string> = {
  placeholder: "NAME",
  bounds: `at most ${nameCharactersMax} characters`,
  parse: (text) =>
    text.length <= nameCharactersMax && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text)
      ? { value: text }
      : {
          fault: `${shown(text)} is no name; write letters, digits, dots, dashes and underscores, ${nameCharactersMax} at most, a letter or digit first`,
        },
  print: (value) => value,
};

const intervalMillisecondsMax = 60_000;

export const fsync: Kind<FsyncMode> = {
  placeholder: "always|interval:MS",
  bounds: `1 to ${intervalMillisecondsMax} ms`,
  parse: (text) => {
    if (text === "always") return { value: { kind: "always" } };
    const milliseconds = /^interval:(\d{1,9})(?:ms)?$/.exec(text)?.[1];
    if (milliseconds === undefined) {
      return { fault: `${shown(text)} is neither always nor interval:<milliseconds>, as interval:10` };
    }
    const value = Number(milliseconds);
    if (value < 1 || value > intervalMillisecondsMax) {
      return { fault: `an interval of ${value} ms is not from 1 to ${intervalMillisecondsMax}` };
    }
    return { value: { kind: "interval", milliseconds: value } };
  },
  print: (value) => (value.kind === "always" ? "always" : `interval:${value.milliseconds}`),
};

export const printDuration = (milliseconds: number): string => printMeasure(milliseconds, durationUnits);
export const printBytes = (value: number): string => printMeasure(value, byteUnits);

function pathKind(placeholder: string): Kind<string> {
  return {
    placeholder,
    parse: (text) => (text === "" || text.includes("\0") ? { fault: `${shown(text)} is no path` } : { value: text }),
    print: (value) => value,
  };
}

type Units = readonly (readonly [string, number])[];

function measureOf(text: string, units: Units): number | undefined {
  const match = /^(\d{1,15})([A-Za-z]+)$/.exec(text);
  const unit = units.find(([name]) => name.toLowerCase() === match?.[2]?.toLowerCase());
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit[1];
}

function printMeasure(value: number, units: Units): string {
  for (const [unit, size] of units) {
    if (value >= size && value % size === 0) return `${value / size}${unit}`;
  }
  return `${value}${units.at(-1)?.[0]}`;
}

export function rangeOf([min, max]: readonly [number, number], print: (value: number) => string): string {
  return `${print(min)} to ${print(max)}`;
}

function within(value: number, bounds: readonly [number, number], print: (value: number) => string): Parsed<number> {
  const [min, max] = bounds;
  if (value >= min && value <= max) return { value };
  return { fault: `${print(value)} is not from ${rangeOf(bounds, print)}` };
}
