// The cluster map as this node knows it: the newest that it heard of. A newer one is made durable, then everybody here who lives by
// the map is told, then the peers. A full disk passes: until then they live by the one before it, as after a crash.

import { assert } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import type { NodeFolder } from "../cluster/node-folder.ts";
import { DiskFailure } from "../platform/disk.ts";
import { Ring } from "../ring/ring.ts";

export type MapListener = (map: ClusterMap) => Promise<void> | void;

export class MapKeeper {
  private readonly folder: Pick<NodeFolder, "noteMap"> | undefined;
  private readonly onFailure: (failure: Error) => void;
  private readonly listeners: MapListener[] = [];
  private newest: ClusterMap | undefined;
  private compiled: Ring | undefined;
  private told: Promise<void> = Promise.resolve();
  /** The newest one could not be written for want of space. */
  private isHeldUp = false;

  /** Without a folder, nothing is kept: a gateway's. */
  constructor(folder: Pick<NodeFolder, "noteMap"> | undefined, onFailure: (failure: Error) => void) {
    this.folder = folder;
    this.onFailure = onFailure;
  }

  get map(): ClusterMap | undefined {
    return this.newest;
  }

  get epoch(): number {
    return this.newest?.epoch ?? 0;
  }

  /** Who owns which slot; undefined before the groups are placed. */
  get ring(): Ring | undefined {
    return this.compiled;
  }

  onChange(listener: MapListener): void {
    this.listeners.push(listener);
  }

  /** Takes a map that may be newer. Throws when it is another cluster's. */
  adopt(map: ClusterMap): void {
    const { newest } = this;
    if (newest !== undefined && newest.cluster !== map.cluster) {
      const detail =
        `a map of cluster ${map.cluster} came to a node of cluster ${newest.cluster}; ` +
        `a node belongs to one cluster: look at --peers and --join`;
      throw new TrefoilError("conflict", detail);
    }
    if (newest !== undefined && map.epoch <= newest.epoch) return;
    this.newest = map;
    this.compiled = map.ring.length === 0 ? undefined : Ring.of(map.ring);
    this.tellInTurn(map);
  }

  /** Again and again. */
  look(): void {
    if (!this.isHeldUp || this.newest === undefined) return;
    this.isHeldUp = false;
    this.tellInTurn(this.newest);
  }

  private tellInTurn(map: ClusterMap): void {
    this.told = this.told
      .then(() => this.tell(map))
      .catch((failure: unknown) => {
        this.onFailure(failure instanceof Error ? failure : new Error(String(failure)));
      });
  }

  /** Resolves when everybody here has been told of what was adopted so far. */
  settled(): Promise<void> {
    return this.told;
  }

  private async tell(map: ClusterMap): Promise<void> {
    assert(this.newest !== undefined, "a map that was adopted is known");
    // A newer one came meanwhile, and is told next.
    if (this.newest.epoch > map.epoch) return;
    if (!(await this.isNoted(map))) return;
    for (const listener of this.listeners) await listener(map);
  }

  private async isNoted(map: ClusterMap): Promise<boolean> {
    try {
      await this.folder?.noteMap(map);
      return true;
    } catch (failure) {
      if (!(failure instanceof DiskFailure) || failure.kind !== "full") throw failure;
      this.isHeldUp = true;
      return false;
    }
  }
}
