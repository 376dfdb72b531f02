// Lines of curl in our pages, each with a comment below it that says what is answered.
//
//   curl localhost:8080/hello
//   # 200 world

import assert from "node:assert/strict";

export interface CurlExample {
  readonly line: string;
  readonly status: number;
  /** A body, an error code, or nothing. */
  readonly said: string;
}

export interface AskedByCurl {
  method: string;
  port: number;
  target: string;
  headers: Record<string, string>;
  body?: string;
}

/** Of all blocks of shell on the page, in their order. */
export function curlExamples(page: string): readonly CurlExample[] {
  const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1] as string);
  return blocks.flatMap((block) =>
    [...block.matchAll(/^(curl .*)\n# (\d{3})(?: (.*))?$/gm)].map(([, line, status, said]) => {
      return { line: line as string, status: Number(status), said: said ?? "" };
    }),
  );
}

/** As much of a shell and of curl as the pages use. */
export function askedBy(line: string): AskedByCurl {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? (match[2] as string)).slice(1);
  const asked: AskedByCurl = { method: "GET", port: 0, target: "", headers: {} };
  while (words.length > 0) {
    const word = words.shift() as string;
    if (word === "-X") asked.method = words.shift() as string;
    else if (word === "-d") asked.body = words.shift() as string;
    else if (word === "-H") {
      const [name, value] = (words.shift() as string).split(": ", 2) as [string, string];
      asked.headers[name] = value;
    } else {
      const address = /^localhost:(\d+)(\/.*)$/.exec(word);
      assert.ok(address !== null, `${line}: ${word} is not known here`);
      asked.port = Number(address[1]);
      asked.target = address[2] as string;
    }
  }
  if (asked.body !== undefined) asked.headers["Content-Type"] ??= "application/x-www-form-urlencoded";
  return asked;
}
