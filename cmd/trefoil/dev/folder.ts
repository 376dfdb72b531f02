// What lies in the folder of a cluster for development, and what of it is fixed:
//
//   data/n1  data/n2  data/n3 …     a data folder for each node; how many groups there are stands in those of the founders

import { join } from "node:path";
import { readMap, readRecord } from "../../../internal/cluster/node-folder.ts";
import { shown } from "../../../internal/config/kinds.ts";
import type { DevValues } from "../../../internal/config/values.ts";
import type { Disk } from "../../../internal/platform/disk.ts";
import { namesIn } from "../../../internal/platform/names-in.ts";
import { idOf } from "./plan.ts";

const namesShown = 3;

export interface FolderContent {
  /** How many nodes it has data folders of: n1 and so on. */
  readonly nodes: number;
  /** Undefined: no cluster was founded in it yet. */
  readonly groups: number | undefined;
  /** The nodes that the cluster's map names; undefined: it has not given its groups their places yet. */
  readonly known: ReadonlySet<string> | undefined;
  /** It is itself the data folder of this node. */
  readonly ofNode: string | undefined;
  /** Names of what no cluster has put there, while none has put anything there. */
  readonly strangers: readonly string[];
}

export type Completed =
  | {
      readonly kind: "values";
      readonly values: DevValues;
      /** What comes of the folder, and may surprise. */ readonly notes: readonly string[];
    }
  | { readonly kind: "wrong"; readonly violations: readonly string[] };

export async function lookIntoFolder(disk: Disk, folder: string): Promise<FolderContent> {
  const own = await readRecord(disk, folder);
  let groups: number | undefined;
  let known: Set<string> | undefined;
  let nodes = 0;
  const names = await namesIn(disk, folder);
  for (const name of names) {
    const number = nodeName.exec(name)?.[1];
    const record = number === undefined ? undefined : await readRecord(disk, join(folder, name));
    if (record === undefined) continue;
    nodes = Math.max(nodes, Number(number));
    if (record.founding.stage !== "empty") groups ??= record.founding.proposal.groups;
    // Of a damaged one its node tells.
    const map = await readMap(disk, join(folder, name)).catch(() => undefined);
    if (map !== undefined && map.ring.length > 0) known = new Set([...(known ?? []), ...map.nodes.map(({ id }) => id)]);
  }
  const strangers = nodes > 0 ? [] : names.filter((name) => !isExpected(name));
  return { nodes, groups, known, ofNode: own?.node, strangers };
}

const nodeName = /^n([1-9]\d{0,3})$/;

/** Locks, what systems leave in any folder, and data folders of nodes, empty ones too. */
const isExpected = (name: string): boolean => name.startsWith(".") || name === "lost+found" || nodeName.test(name);

/** What was not said is taken from the folder; what was said and is otherwise there is refused. */
export function completeWithFolder(
  values: DevValues,
  content: FolderContent,
  isGiven: (flag: "groups" | "nodes") => boolean,
): Completed {
  const { data } = values;
  const violations: string[] = [];
  const { nodes, groups = values.groups, ofNode, strangers } = content;
  if (ofNode !== undefined) {
    const words = `--data ${data} is the data folder of the single node ${ofNode}; name the folder above it, or a new one`;
    return { kind: "wrong", violations: [words] };
  }
  if (strangers.length > 0) {
    const more = strangers.length > namesShown ? ", …" : "";
    const held = `${strangers.slice(0, namesShown).map(shown).join(", ")}${more}`;
    const words = `--data ${data} holds ${held} and no cluster; name a new folder, or an empty one`;
    return { kind: "wrong", violations: [words] };
  }
  if (isGiven("groups") && groups !== values.groups) {
    violations.push(
      `--groups ${values.groups}: the cluster in ${data} was founded with ${groups} groups, and their number is fixed in the ` +
        `folder; leave --groups out, or begin a new cluster with another --data`,
    );
  }
  if (isGiven("nodes") && values.nodes < nodes) {
    violations.push(
      `--nodes ${values.nodes}: ${data} holds the data of ${nodes} nodes, and groups may have replicas on each; leave ` +
        `--nodes out, or begin a new cluster with another --data`,
    );
  }
  if (violations.length > 0) return { kind: "wrong", violations };
  if (isGiven("nodes") || nodes <= values.nodes) {
    return { kind: "values", values: { ...values, groups }, notes: addedNotes(values.nodes, content) };
  }
  const note = `${data} has the data of ${nodes} nodes: all of them are started.`;
  return { kind: "values", values: { ...values, groups, nodes }, notes: [note] };
}

/** Of nodes that no map of the folder names: they join a cluster that has its places. */
function addedNotes(nodes: number, { known }: FolderContent): readonly string[] {
  if (known === undefined) return [];
  const added = Array.from({ length: nodes }, (_, at) => idOf(at)).filter((id) => !known.has(id));
  if (added.length === 0) return [];
  const [are, they, them] = added.length === 1 ? ["is", "it holds", "it"] : ["are", "they hold", "them"];
  return [
    `${added.join(", ")} ${are} added: ${they} no replicas yet, since moving them is not built, and the cluster's map keeps ${them} for good.`,
  ];
}
