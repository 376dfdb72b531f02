// A founder's part in the beginning of its cluster: it asks the others where they stand, records what is next, and tells when it is
// done. What is next says internal/cluster/founding.ts; here it meets disk and network.

import { unreachable } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import { nextStep } from "../cluster/founding.ts";
import type { FoundingWord, Proposal } from "../cluster/founding.ts";
import { supportedFormats } from "../cluster/cluster-map.ts";
import type { ClusterMap, MapNode } from "../cluster/cluster-map.ts";
import { firstMap, foundersOf } from "../cluster/map-changes.ts";
import type { NodeFolder } from "../cluster/node-folder.ts";
import { parseJson } from "../cluster/json-fields.ts";
import type { Scheduler } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { decodeWord, encodeTalk } from "./peer-talk.ts";
import type { PeerTable } from "./peer-table.ts";

export type Founded =
  | { readonly kind: "founded"; readonly proposal: Proposal }
  /** It was founded without this data folder: the node registers like any other. */
  | { readonly kind: "late"; readonly cluster: string };

export interface FoundingParts {
  readonly self: NodeId;
  readonly peers: readonly NodeId[];
  readonly groups: number;
  readonly newCluster: string;
  readonly folder: NodeFolder;
  readonly table: PeerTable;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

const pauseMilliseconds = 50;
const askMilliseconds = 1000;
/** How often it says for whom it waits. */
const remindEvery = 100;

export class FoundingTalk {
  private readonly parts: FoundingParts;
  private readonly heard = new Map<NodeId, FoundingWord>();
  private isStopped = false;

  constructor(parts: FoundingParts) {
    this.parts = parts;
  }

  /** Another founder says where it stands; the answer says where this one does. */
  hear(from: NodeId, word: FoundingWord): FoundingWord {
    if (this.others.includes(from)) this.heard.set(from, word);
    return this.word;
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Rejects when the founders do not agree; undefined: it was stopped. */
  async run(): Promise<Founded | undefined> {
    const { self, folder, newCluster } = this.parts;
    for (let round = 0; !this.isStopped; round++) {
      const step = nextStep({ id: self, word: this.word, newCluster }, this.heard);
      switch (step.kind) {
        case "record":
          await folder.noteFounding(step.record);
          break;
        case "founded":
          return step;
        case "late":
          return step;
        case "refuse":
          throw new TrefoilError("conflict", step.why);
        case "wait":
          if (round % remindEvery === remindEvery - 1) this.remind(step.for);
          await this.ask();
          await this.pause();
          break;
        default:
          return unreachable(step, "a step of founding");
      }
    }
    return undefined;
  }

  private get word(): FoundingWord {
    const { peers, groups, folder } = this.parts;
    const { disk, founding } = folder.record;
    return { disk, peers, groups, record: founding };
  }

  private async ask(): Promise<void> {
    const { table } = this.parts;
    const payload = encodeTalk({ kind: "found", word: this.word });
    const asked = this.others.map(async (id) => {
      const outcome = await table.request(id, payload, { timeoutMilliseconds: askMilliseconds, trace: "" });
      if (outcome.kind === "answered") this.take(id, outcome.payload);
    });
    await Promise.all(asked);
  }

  private get others(): readonly NodeId[] {
    const { peers, self } = this.parts;
    return (foundersOf(peers) ?? []).filter((id) => id !== self);
  }

  /** What is no word is as if nothing was said. */
  private take(from: NodeId, bytes: Uint8Array): void {
    try {
      this.heard.set(from, decodeWord(parseJson(bytes, "a founder's word")));
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      this.parts.logger.warn("a founder's word cannot be read", { from, why: failure.message });
    }
  }

  private pause(): Promise<void> {
    return new Promise((resolve) => {
      this.parts.scheduler.after(pauseMilliseconds, resolve);
    });
  }

  private remind(others: readonly NodeId[]): void {
    const { table, logger } = this.parts;
    const troubles = others.map((id) => `${id} (${table.get(id)?.trouble ?? "it has not answered yet"})`);
    logger.warn(`the cluster begins when every founder is there; waiting for ${troubles.join(", ")}`);
  }
}

/** What this founder knows of them all now; others may know them under other addresses. Each registers with the rest later. */
export function mapOfFounders(proposal: Proposal, addresses: ReadonlyMap<NodeId, string>): ClusterMap {
  const { cluster, peers, groups, disks } = proposal;
  const founders = (foundersOf(peers) ?? []).map((id, at): MapNode => {
    const peer = addresses.get(id) ?? "";
    const dialled = { peer, http: "", resp: "", grpc: "", admin: "" };
    return { id, zone: "", disk: disks[at] ?? "", addresses: dialled, formats: supportedFormats };
  });
  return firstMap({ cluster, peers, groups, founders });
}
