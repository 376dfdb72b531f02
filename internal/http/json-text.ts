// Parts of JSON as they are written, since parsing and printing would change numbers. The text is known to be well-formed.

import { TrefoilError } from "../base/errors.ts";

/** The members of an object, each as it is written. Refuses two of one name. */
export function membersOf(text: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  let at = skipBlanks(text, text.indexOf("{") + 1);
  while (text[at] !== "}") {
    const nameEnd = endOfText(text, at);
    const name = JSON.parse(text.slice(at, nameEnd)) as string;
    const start = skipBlanks(text, skipBlanks(text, nameEnd) + 1);
    const end = endOfValue(text, start);
    if (members.has(name)) throw new TrefoilError("bad_request", `the member ${name} is there twice`);
    members.set(name, text.slice(start, end));
    at = skipBlanks(text, end);
    if (text[at] === ",") at = skipBlanks(text, at + 1);
  }
  return members;
}

/** What stands in an array, each as it is written. */
export function itemsOf(text: string): readonly string[] {
  const items: string[] = [];
  let at = skipBlanks(text, text.indexOf("[") + 1);
  while (text[at] !== "]") {
    const end = endOfValue(text, at);
    items.push(text.slice(at, end));
    at = skipBlanks(text, end);
    if (text[at] === ",") at = skipBlanks(text, at + 1);
  }
  return items;
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (" \t\r\n".includes(text[at] ?? "x")) at++;
  return at;
}

/** Behind the closing quote of the text that begins here. */
function endOfText(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** Behind the value that begins here. */
function endOfValue(text: string, from: number): number {
  let depth = 0;
  let at = from;
  do {
    const character = text[at] as string;
    if (character === '"') {
      at = endOfText(text, at);
    } else {
      if (character === "{" || character === "[") depth++;
      if (character === "}" || character === "]") depth--;
      at++;
    }
  } while (depth > 0 || !",}] \t\r\n".includes(text[at] as string));
  return at;
}
