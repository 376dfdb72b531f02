// `GET /`: what somebody sees who asks a node without knowing it. Plain for curl, with links for browsers.

import type { ReadMode, WriteMode } from "../node/requests.ts";

/** What requests get that do not say. */
export interface Defaults {
  readonly read: ReadMode;
  readonly write: WriteMode;
}

const promise = ({ read, write }: Defaults): string =>
  `A write is answered when ${write === "strong" ? "a majority of its group has it" : "the leader of its group has it"}, ` +
  `a read ${read === "strong" ? "sees all that was answered strongly before" : "shows what the nearest replica has"}:`;

/** `host` is how the node was reached. */
const firstLines = (host: string): readonly string[] => [
  `curl -X PUT '${host}/hello?ttl=60' -d world`,
  `curl ${host}/hello`,
  `curl -X DELETE ${host}/hello`,
];

const links: readonly (readonly [string, string])[] = [
  ["/-/docs", "every route, parameter, header and error"],
  ["/-/openapi.json", "the same for programs"],
  ["/-/keys", "what is stored"],
  ["/-/cluster", "nodes and groups"],
];

export function helpText(host: string, defaults: Defaults): string {
  const width = Math.max(...links.map(([path]) => path.length)) + 2;
  return [
    "Trefoil: a sharded, replicated key-value store. This node takes any request.",
    "",
    ...firstLines(host).map((line) => `  ${line}`),
    "",
    promise(defaults),
    "?consistency=fast or ?consistency=strong says otherwise.",
    "",
    ...links.map(([path, words]) => `  ${path.padEnd(width)}${words}`),
    "",
  ].join("\n");
}

export function helpHtml(host: string, defaults: Defaults): string {
  const items = links.map(([path, words]) => `<li><a href="${path}">${path}</a> ${words}</li>`);
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
    `<title>Trefoil</title><style>${pageStyle}</style>`,
    `<main><h1>Trefoil</h1><p>A sharded, replicated key-value store. This node takes any request.</p>`,
    `<pre>${firstLines(host).join("\n")}</pre>`,
    `<p>${promise(defaults)} <code>?consistency=fast</code> or <code>?consistency=strong</code> says otherwise.</p>`,
    `<ul>${items.join("")}</ul></main></html>`,
    "",
  ].join("\n");
}

/** Of all pages; nothing is loaded from anywhere. */
export const pageStyle = [
  ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}",
  "main{max-width:52rem;margin:2rem auto;padding:0 1rem}",
  "pre,code{font-family:ui-monospace,monospace;font-size:.9em}",
  "pre{padding:.8rem;overflow:auto;border:1px solid #8886;border-radius:.4rem}",
  "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0}",
  "h3{margin-top:2rem;border-top:1px solid #8886;padding-top:1rem}",
].join("");
