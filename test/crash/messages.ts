// What the child of a kill round tells its parent, a line each, written synchronously: what the parent has
// read was said before the child died.

export interface ChildOrder {
  readonly folder: string;
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  readonly fsync: "always" | "interval";
  /** Index in killPoints, and at which operation; undefined: the parent kills. */
  readonly point: { readonly index: number; readonly number: number } | undefined;
}

export interface Heard {
  opened: boolean;
  sent: number;
  acknowledged: number;
  /** The child came to the end of its writes. */
  ended: boolean;
}

export const said = {
  opened: "opened",
  sent: "sent",
  acknowledged: "acknowledged",
  ended: "ended",
} as const;

/** Takes in whole lines; returns what is left of the last, unfinished one. */
export function hear(heard: Heard, text: string): string {
  const lines = text.split("\n");
  for (const line of lines.slice(0, -1)) {
    const [word, number] = line.split(" ");
    if (word === said.opened) heard.opened = true;
    else if (word === said.ended) heard.ended = true;
    else if (word === said.sent) heard.sent = Number(number);
    else if (word === said.acknowledged) heard.acknowledged = Number(number);
    else throw new Error(`the child said: ${line}`);
  }
  return lines.at(-1) ?? "";
}
