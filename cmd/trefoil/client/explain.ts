// `trefoil explain`: where a key lies, and what a read or write of it would do now.

import { exitCodes } from "../failure.ts";
import type { Explanation } from "../../../internal/node/requests.ts";
import { explainPath, keyOf } from "./key.ts";
import { printReport } from "./report.ts";
import type { Cell, Part } from "./report.ts";
import { inSession } from "./session.ts";
import type { SessionOptions } from "./session.ts";
import { visibleBytes } from "./visible.ts";

export interface ExplainOptions extends SessionOptions {
  readonly key64?: boolean;
}

export function explain(keyText: string, options: ExplainOptions): Promise<number> {
  return inSession(options, async ({ client, form = "table", screen }) => {
    const key = keyOf(keyText, options.key64 === true);
    const { body } = await client.ask({ method: "GET", path: explainPath(key), mayRepeat: true });
    const json = body.toString();
    const told = JSON.parse(json) as Shown;
    await printReport(screen, form, { parts: partsOf(key, told), json });
    return isUnknown(told.record) ? exitCodes.unavailable : exitCodes.ok;
  });
}

interface UnknownRecord {
  /** The code by which nobody could tell. */
  readonly unknown: string;
  readonly detail: string;
}

/** As JSON has it: versions and times are texts, and what is not known is null. */
type Shown = Omit<Explanation, "record"> & {
  readonly record: Readonly<Record<"version" | "expiresAt" | "contentType", string | null>> | UnknownRecord | null;
};

function isUnknown(record: Shown["record"]): record is UnknownRecord {
  return record !== null && "unknown" in record;
}

function versionIn(record: Shown["record"]): Cell {
  if (record === null) return "there is nothing";
  return isUnknown(record) ? `could not be read: ${record.unknown}: ${record.detail}` : record.version;
}

function partsOf(key: Uint8Array, told: Shown): readonly Part[] {
  const { slot, position, virtualNode, epoch, group, ttlMilliseconds, record, wouldDo } = told;
  const facts: (readonly [string, Cell])[] = [
    ["key", visibleBytes(key)],
    ["slot", slot],
    ["ring position", position],
    ["virtual node", `${virtualNode.number} of group ${virtualNode.group}, at ${virtualNode.position}`],
    ["map epoch", epoch],
    ["group", group.group],
    ["leader", group.leader],
    ["version", versionIn(record)],
    ["expires", isUnknown(record) ? undefined : record?.expiresAt],
    ["ttl left ms", ttlMilliseconds],
  ];
  const rows = group.replicas.map(({ replica, node, role, appliedIndex, lag }) => [
    replica,
    node,
    role,
    appliedIndex,
    lag,
  ]);
  const would: (readonly [string, Cell])[] = [
    ["a fast read would", wouldDo.fastRead],
    ["a strong read would", wouldDo.strongRead],
    ["a fast write would", wouldDo.fastWrite],
    ["a strong write would", wouldDo.strongWrite],
  ];
  return [
    { kind: "facts", facts },
    { kind: "rows", headings: ["replica", "node", "role", "applied", "lag"], rows },
    { kind: "facts", facts: would },
  ];
}
