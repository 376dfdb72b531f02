// The meta group as its hosts use it: the cluster map is one record in it, under one key, changed by compare-and-swap by the node that
// leads the group. Changes queue up here, so that each begins from the map that the one before has made.

import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { decodeMap, encodeMap } from "../cluster/cluster-map.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import type { Version } from "../engine/cell.ts";
import type { EngineRecord } from "../engine/reader.ts";
import type { Scheduler } from "../platform/clock.ts";
import { action, conditionKind, expiryMode } from "../replica/command.ts";
import type { Command } from "../replica/command.ts";
import type { Replica } from "../replica/replica.ts";
import { contentOf, payloadOf } from "./stored.ts";

const mapKey = utf8("map");
/** A change that is not decided by then may be later; whoever asked for it and whoever comes behind it have waited long enough. */
const decidedMilliseconds = 3000;
const triesMax = 5;

export type MapChange = (map: ClusterMap) => ClusterMap;

export class MetaGroup {
  private readonly replica: () => Replica | undefined;
  /** Its committed maps are told here. */
  private readonly onMap: (map: ClusterMap) => void;
  private readonly scheduler: Scheduler;
  private changing: Promise<unknown> = Promise.resolve();
  private looked = 0;
  /** The map as it was read last, and the entry that wrote it: whoever leads asks for it many times a second. */
  private known: { readonly by: Version; readonly map: ClusterMap } | undefined;

  constructor(replica: () => Replica | undefined, onMap: (map: ClusterMap) => void, scheduler: Scheduler) {
    this.replica = replica;
    this.onMap = onMap;
    this.scheduler = scheduler;
  }

  /** This node leads it, and has applied all that was committed before its term. */
  get isLeader(): boolean {
    const replica = this.replica();
    if (replica === undefined) return false;
    const { role, term, hasQuorum } = replica.status;
    return role === "leader" && hasQuorum && replica.applied.term === term;
  }

  /** Looks for a map that was applied since it looked last. */
  async look(): Promise<void> {
    const replica = this.replica();
    if (replica === undefined || replica.appliedIndex === this.looked) return;
    this.looked = replica.appliedIndex;
    const record = await replica.readFast(mapKey);
    if (record !== undefined) this.onMap(this.mapOf(record));
  }

  /** The first map, when there is none yet. */
  found(map: ClusterMap): Promise<void> {
    return this.inTurn(async () => {
      const replica = this.leading();
      if ((await replica.readFast(mapKey)) === undefined) await this.put(replica, map, undefined);
    });
  }

  /** Resolves with the map that has the change; throws `no_leader` when this node does not lead, or no longer. */
  change(change: MapChange): Promise<ClusterMap> {
    return this.inTurn(async () => {
      for (let tries = 1; ; tries++) {
        const replica = this.leading();
        const record = await replica.readFast(mapKey);
        if (record === undefined) throw notYet("the cluster has no map yet");
        const present = this.mapOf(record);
        const changed = change(present);
        if (changed === present) return present;
        if (await this.put(replica, changed, record)) {
          this.onMap(changed);
          return changed;
        }
        if (tries >= triesMax) throw notYet("the map changed under each of its changes");
      }
    });
  }

  private mapOf({ term, index, payload }: EngineRecord): ClusterMap {
    const { known } = this;
    if (known?.by.term === term && known.by.index === index) return known.map;
    const map = decodeMap(contentOf(payload).value);
    this.known = { by: { term, index }, map };
    return map;
  }

  private leading(): Replica {
    const replica = this.replica();
    if (replica === undefined || !this.isLeader) throw notYet("this node does not lead the meta group");
    return replica;
  }

  /** False: the map is another one by now. */
  private async put(replica: Replica, map: ClusterMap, before: EngineRecord | undefined): Promise<boolean> {
    const proposed = replica.propose("strong", () => putOf(map, before));
    if (proposed.kind === "refused") throw notYet(`the meta group refused a new map: ${proposed.why}`);
    const outcome = await this.inTime(proposed.outcome);
    if (outcome.kind === "done") return true;
    if (outcome.kind === "refused") return false;
    throw notYet(`whether the meta group took a new map is not known`);
  }

  private inTime<T>(decided: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = (): void => reject(notYet("the meta group has not taken a new map in time; it may still do so"));
      const timer = this.scheduler.after(decidedMilliseconds, late, true);
      void decided.then(resolve, reject).finally(() => timer.cancel());
    });
  }

  private inTurn<T>(action: () => Promise<T>): Promise<T> {
    const done = this.changing.then(action);
    // Its caller hears of a failure; the next one begins anew.
    this.changing = done.catch(() => undefined);
    return done;
  }
}

function putOf(map: ClusterMap, before: EngineRecord | undefined): Command {
  const version = before === undefined ? undefined : { term: before.term, index: before.index };
  const operation = {
    action: action.put,
    key: mapKey,
    condition: version === undefined ? conditionKind.absent : conditionKind.version,
    version,
    expiry: expiryMode.never,
    wantsPrevious: false,
    body: payloadOf("application/json", encodeMap(map)),
  };
  return { request: undefined, operations: [operation] };
}

const notYet = (detail: string): TrefoilError => new TrefoilError("no_leader", detail);
