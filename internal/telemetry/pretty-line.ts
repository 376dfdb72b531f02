// A logged line for people:
//
//   12:00:00.000 warn  a peer is gone  peer=n2 after="3 tries"
//
// Whatever a terminal would obey is written as an escape: names and paths in a message may come from strangers.

const colours: Readonly<Record<string, string>> = { info: "32", warn: "33", error: "31" };
const levelWidth = 5;
const shownAlready: ReadonlySet<string> = new Set(["level", "time", "node", "message"]);

/** `line` is JSON as the logger writes it; what is not is passed on, made harmless. */
export function prettyLine(line: string, hasColours: boolean): string {
  const record = recordOf(line);
  if (record === undefined) return `${harmless(line.trimEnd())}\n`;
  const paint = (code: string, text: string): string => (hasColours ? `\u001b[${code}m${text}\u001b[0m` : text);
  const level = textOf(record["level"]);
  const time = /T([\d:.]+)Z$/.exec(textOf(record["time"]))?.[1] ?? "";
  const fields = Object.entries(record)
    .filter(([name]) => !shownAlready.has(name))
    .map(([name, value]) => ` ${paint("2", `${harmless(name)}=`)}${quoted(textOf(value))}`)
    .join("");
  const start = `${paint("2", time)} ${paint(colours[level] ?? "0", level.padEnd(levelWidth))}`;
  return `${start} ${harmless(textOf(record["message"]))}${fields === "" ? "" : ` ${fields}`}\n`;
}

function recordOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function quoted(text: string): string {
  return /^[\w./:@%+-]+$/.test(text) ? text : harmless(JSON.stringify(text));
}

function harmless(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (sign) => `\\u{${sign.codePointAt(0)?.toString(16)}}`);
}
