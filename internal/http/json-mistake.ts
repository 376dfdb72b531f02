// What is wrong with a text that is no JSON, in words, and where: the words of JSON.parse differ between versions of Node, and some
// of them name no place. Without recursion, since a stranger may open as many brackets as a body has room for; and not for long: it is
// a courtesy, while others wait.

/** What has to come next. */
type Wanted = "value" | "value or end" | "name" | "name or end" | "colon" | "comma or end";

/** `at` is a place in the text. */
interface Mistake {
  readonly at: number;
  readonly wanted: string;
}

const words: Readonly<Record<Wanted, string>> = {
  value: "a value",
  "value or end": "a value or END",
  name: "a name in double quotes",
  "name or end": "a name in double quotes or END",
  colon: "a colon",
  "comma or end": "a comma or END",
};

const scalar = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const blanks = /[ \t\r\n]*/y;

/** So many characters are looked at. */
const searchedMax = 16 * 1024;
/** What is cut within its last letters may look wrong there. */
const cutLetters = 16;

/** REQUIRES a text that JSON.parse refuses. */
export function mistakeIn(whole: string): string {
  const text = whole.slice(0, searchedMax);
  const { at, wanted } = firstMistake(text);
  if (text.length < whole.length && at > searchedMax - cutLetters)
    return `what is wrong comes behind its first ${searchedMax - cutLetters} characters`;
  const lines = text.slice(0, at).split("\n");
  const found = String.fromCodePoint(text.codePointAt(at) ?? 0);
  const shown = at >= text.length ? "the end" : /[\p{C}\p{Z}]/u.test(found) ? codeOf(found) : found;
  return `at line ${lines.length}, column ${(lines.at(-1) ?? "").length + 1}, there should be ${wanted}, not ${shown}`;
}

/** Of what cannot be seen: JSON's own escape does not know all of that. */
const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;

function firstMistake(text: string): Mistake {
  /** Of what is open, the innermost last. */
  const ends: ("}" | "]")[] = [];
  let wanted: Wanted = "value";
  let at = 0;
  for (;;) {
    at = behind(blanks, text, at) ?? at;
    const character = text[at];
    const end = ends.at(-1);
    if (wanted.endsWith("or end") && end !== undefined && character === end) {
      ends.pop();
      wanted = "comma or end";
      at++;
    } else if (wanted === "comma or end") {
      if (end === undefined || character !== ",") return { at, wanted: wordsOf(wanted, end) };
      wanted = end === "}" ? "name" : "value";
      at++;
    } else if (wanted === "colon") {
      if (character !== ":") return { at, wanted: wordsOf(wanted, end) };
      wanted = "value";
      at++;
    } else if (character === '"') {
      const next = behindText(text, at);
      if (typeof next !== "number") return next;
      wanted = wanted.startsWith("name") ? "colon" : "comma or end";
      at = next;
    } else if (wanted.startsWith("value") && (character === "{" || character === "[")) {
      ends.push(character === "{" ? "}" : "]");
      wanted = character === "{" ? "name or end" : "value or end";
      at++;
    } else {
      const next = wanted.startsWith("value") ? behind(scalar, text, at) : undefined;
      if (next === undefined) return { at, wanted: wordsOf(wanted, end) };
      wanted = "comma or end";
      at = next;
    }
  }
}

function wordsOf(wanted: Wanted, end: string | undefined): string {
  if (wanted === "comma or end" && end === undefined) return "nothing more";
  return words[wanted].replace("END", end ?? "");
}

/** Behind the closing quote of the text that begins here. */
function behindText(text: string, from: number): number | Mistake {
  let at = from + 1;
  for (;;) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character === undefined) return { at, wanted: "a double quote that ends a text" };
    if (character < " ") return { at, wanted: "its escape in a text" };
    if (character === "\\") {
      const next = behind(escape, text, at);
      if (next === undefined)
        return { at, wanted: 'an escape that JSON knows (\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX)' };
      at = next;
    } else at++;
  }
}

function behind(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
