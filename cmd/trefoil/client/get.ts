// `trefoil get`: the bytes as they are into a file or a pipe; on a terminal what it can show of them.

import process from "node:process";
import { recordType } from "../../../internal/http/request-headers.ts";
import { consistencyOf } from "../../../internal/http/parameters.ts";
import { exitCodes } from "../failure.ts";
import type { ClusterAnswer } from "./cluster-client.ts";
import { keyOf, keyPath } from "./key.ts";
import { printReport } from "./report.ts";
import type { Report, Screen } from "./report.ts";
import { headerText, inSession } from "./session.ts";
import type { SessionOptions } from "./session.ts";
import { isShowable, shortened, visibleBytes } from "./visible.ts";

export interface GetOptions extends SessionOptions {
  readonly key64?: boolean;
  readonly consistency?: string;
}

export function get(keyText: string, options: GetOptions): Promise<number> {
  return inSession(options, async ({ client, form, screen }) => {
    const key = keyOf(keyText, options.key64 === true);
    const { consistency } = options;
    consistencyOf(consistency);
    const answer = await client.ask({
      method: "GET",
      path: keyPath(key),
      query: { consistency },
      headers: form === "json" ? { Accept: recordType } : {},
      mayRepeat: true,
    });
    if (form === "json") await printReport(screen, form, { parts: [], json: recordJson(answer) });
    else if (form === "table") await printReport(screen, form, metadata(answer));
    else if (form === undefined && process.stdout.isTTY) await showOnTerminal(screen, answer.body);
    else await screen.write(answer.body);
    return exitCodes.ok;
  });
}

/** The record, word for word (numbers keep their digits), and who served it. */
function recordJson(answer: ClusterAnswer): string {
  const { version: _version, expiresAt: _expiresAt, ...served } = servedOf(answer);
  return `${answer.body.toString().trimEnd().slice(0, -1)},${JSON.stringify(served).slice(1)}`;
}

function servedOf({ headers }: ClusterAnswer) {
  const staleness = headerText(headers, "trefoil-staleness-ms");
  return {
    version: headerText(headers, "etag")?.replaceAll('"', ""),
    expiresAt: headerText(headers, "trefoil-expires-at") ?? null,
    consistency: headerText(headers, "trefoil-consistency"),
    stalenessMs: staleness === undefined || staleness === "unknown" ? null : Number(staleness),
    group: Number(headerText(headers, "trefoil-group")),
    node: headerText(headers, "trefoil-node"),
    role: headerText(headers, "trefoil-role"),
  };
}

const charactersShown = 200;

function metadata(answer: ClusterAnswer): Report {
  const told = servedOf(answer);
  return {
    parts: [
      {
        kind: "facts",
        facts: [
          ["value", shortened(visibleBytes(answer.body), charactersShown)],
          ["bytes", answer.body.length],
          ["content type", headerText(answer.headers, "content-type")],
          ["version", told.version],
          ["expires", told.expiresAt],
          ["consistency", told.consistency],
          ["staleness ms", told.stalenessMs],
          ["group", told.group],
          ["node", told.node],
          ["role", told.role],
        ],
      },
    ],
    json: "",
  };
}

async function showOnTerminal(screen: Screen, value: Buffer): Promise<void> {
  if (isShowable(value)) {
    await screen.write(value);
    if (value.length > 0 && value.at(-1) !== 0x0a) await screen.write("\n");
    return;
  }
  await screen.write(`${visibleBytes(value)}\n`);
  process.stderr.write("trefoil: bytes that a terminal cannot show are written out; -o raw gives them as they are\n");
}
