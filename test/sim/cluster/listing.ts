// Pages of keys, judged as reads of each key that a page covers: what it does not show there is absent. They are held to rule 16 as
// other reads are.

import { utf8, utf8Text } from "../../../internal/base/bytes.ts";
import type { Prng } from "../../../internal/base/prng.ts";
import type { ListAnswer } from "../../../internal/node/requests.ts";
import type { HistoryEntry, Saw } from "../history.ts";
import { askNode } from "./ask-node.ts";
import type { Heard } from "./ask-node.ts";
import type { Histories } from "./histories.ts";
import type { Machine } from "./machine.ts";
import type { SimWorld } from "./sim-world.ts";
import { sawOf } from "./told.ts";

export interface ListingParts {
  readonly client: number;
  readonly world: SimWorld;
  readonly histories: Histories;
  readonly random: Prng;
}

interface Range {
  readonly keys: readonly string[];
  readonly prefix: string;
  readonly mode: "fast" | "strong";
}

const timeoutMilliseconds = 1000;
const pagesMax = 20;

/** All keys of one kind, page by page, by way of any node that is asked. Resolves with what the last page came to. */
export async function listKeys(
  parts: ListingParts,
  range: Range,
  nextMachine: () => Machine,
): Promise<Heard<ListAnswer>> {
  let cursor: Uint8Array | undefined;
  for (let pages = 1; ; pages++) {
    const heard = await onePage(parts, range, nextMachine(), cursor);
    if (heard.kind !== "answered" || heard.value.cursor === undefined || pages === pagesMax) return heard;
    cursor = heard.value.cursor;
  }
}

async function onePage(
  { client, world, histories, random }: ListingParts,
  { keys, prefix, mode }: Range,
  machine: Machine,
  cursor: Uint8Array | undefined,
): Promise<Heard<ListAnswer>> {
  const { time } = world;
  const behind = cursor === undefined ? "" : utf8Text(cursor);
  const entries = keys
    .filter((key) => key > behind)
    .map((key) => histories.begin(client, { kind: "read", mode, key }, time.now));
  const request = { prefix: utf8(prefix), cursor, limit: random.between(1, 3), withValues: true, mode };
  const { process } = machine;
  const heard = await askNode(world, machine, timeoutMilliseconds, (coordinator, caller) =>
    coordinator.list(request, caller),
  );
  const seen = heard.kind === "answered" ? seenOn(heard.value) : undefined;
  if (seen !== undefined) world.met.note("page of keys");
  for (const entry of entries) {
    const saw = seen?.(keyOf(entry));
    entry.via = process;
    if (saw === undefined) histories.of(entry).endVoid(entry, time.now);
    else histories.of(entry).end(entry, saw, time.now);
  }
  return heard;
}

/** What a page says of a key; undefined: nothing, for it ends before it. */
function seenOn({ records, cursor }: ListAnswer): (key: string) => Saw | undefined {
  const found = new Map(records.map((record) => [utf8Text(record.key), record]));
  const end = cursor === undefined ? undefined : utf8Text(cursor);
  return (key) => {
    if (end !== undefined && key > end) return undefined;
    const record = found.get(key);
    return sawOf(record && { ...record, value: record.value ?? new Uint8Array(0) });
  };
}

const keyOf = ({ done }: HistoryEntry): string => (done.kind === "read" ? done.key : "");
