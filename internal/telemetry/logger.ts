// The Logger of a process, over pino: one line of JSON for each event, or one for people on a terminal.
//
//   {"level":"warn","time":"2026-05-01T12:00:00.000Z","node":"n1","message":"a peer is gone","peer":"n2"}
//
// A line never holds what users stored: fields are words and numbers, anything else is withheld whatever the compiler let pass,
// and text is bounded. Lines are written before the call returns, so that the last words of a process are there.

import { pino } from "pino";
import type { Logger, LogFields } from "../platform/logger.ts";
import { prettyLine } from "./pretty-line.ts";

export const logLevels = ["info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogDestination {
  write(text: string): void;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly form: "json" | "pretty";
  /** Of the process; on every line of JSON. */
  readonly node: string;
  readonly hasColours?: boolean;
  /** Left out: the standard output. */
  readonly destination?: LogDestination;
}

export interface OpenLogger extends Logger {
  /** From the next line on. */
  setLevel(level: LogLevel): void;
}

const fieldCharactersMax = 1024;
const fieldsMax = 32;
const reserved: ReadonlySet<string> = new Set(["level", "time", "node", "message"]);

export function openLogger(options: LoggerOptions): OpenLogger {
  const { level, form, node, hasColours = false } = options;
  const out = options.destination ?? standardOutput();
  const destination = form === "json" ? out : { write: (line: string) => out.write(prettyLine(line, hasColours)) };
  const lines = pino(
    {
      level,
      base: { node },
      messageKey: "message",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    info: (message, fields) => lines.info(fieldsOf(fields), bounded(message)),
    warn: (message, fields) => lines.warn(fieldsOf(fields), bounded(message)),
    error: (message, fields) => lines.error(fieldsOf(fields), bounded(message)),
    setLevel: (next) => {
      lines.level = next;
    },
  };
}

/** Who reads the lines may go, and a disk that takes them may fill: the process goes on without them. */
function standardOutput(): LogDestination {
  const out = pino.destination({ dest: 1, sync: true });
  out.on("error", () => undefined);
  return out;
}

/** `auto` looks at where lines go. */
export function logFormOf(format: "auto" | "json" | "pretty", isTerminal: boolean): "json" | "pretty" {
  if (format !== "auto") return format;
  return isTerminal ? "pretty" : "json";
}

function fieldsOf(fields: LogFields = {}): Record<string, unknown> {
  const clean: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields).slice(0, fieldsMax)) {
    clean[reserved.has(name) ? `${name}_` : name] = fieldOf(value);
  }
  return clean;
}

function fieldOf(value: unknown): unknown {
  if (typeof value === "string") return bounded(value);
  // JSON has no word for these.
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  return typeof value === "boolean" || value === undefined ? value : "(withheld)";
}

function bounded(text: string): string {
  return text.length > fieldCharactersMax ? `${text.slice(0, fieldCharactersMax)}…` : text;
}
