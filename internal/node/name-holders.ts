// Who has which name: the data folder of the process that is connected under it, or was last. A name goes with its folder: a process that
// comes with another folder than the one that the map names is not taken while a process of the name is connected, nor before none has
// been for a while. Only then has it taken the place of a folder that is lost, and may register. The folder that the map names is
// always taken, even in the place of another one.
//
// Each node judges by its own connections; whoever leads the meta group decides in the end, for one registers where one is connected.

import type { NodeId } from "../base/ids.ts";
import { nodeOf } from "../cluster/cluster-map.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import type { Clock } from "../platform/clock.ts";
import { ofAnotherProcess } from "../platform/network.ts";
import type { NodeIdentity } from "../platform/network.ts";

/** Longer than a process that lives takes to connect again, and to be found silent. */
export const absentMilliseconds = 5000;

export class NameHolders {
  private readonly clock: Clock;
  /** Nobody was connected before; who is there may need a moment. */
  private readonly beganAt: number;
  private readonly present = new Map<NodeId, string>();
  /** Of names that have folders. */
  private readonly lostAt = new Map<NodeId, number>();

  constructor(clock: Clock) {
    this.clock = clock;
    this.beganAt = clock.monotonicMilliseconds();
  }

  up(node: NodeId, disk: string): void {
    this.present.set(node, disk);
    this.lostAt.delete(node);
  }

  down(node: NodeId): void {
    const disk = this.present.get(node);
    this.present.delete(node);
    // Gateways, of which there may be any number, have none.
    if (disk !== undefined && disk !== "") this.lostAt.set(node, this.clock.monotonicMilliseconds());
  }

  /** Why a process is not taken under its name, or undefined. */
  refusal({ node, disk = "" }: NodeIdentity, map: ClusterMap | undefined): string | undefined {
    const known = map && nodeOf(map, node);
    const present = this.present.get(node) ?? "";
    if (disk === "" || disk === known?.disk) return undefined;
    if (present !== "") return present === disk ? undefined : inUse(node, known?.addresses.peer ?? "");
    if (known === undefined) return undefined;
    const awayMilliseconds = this.clock.monotonicMilliseconds() - (this.lostAt.get(node) ?? this.beganAt);
    if (awayMilliseconds >= absentMilliseconds) return undefined;
    return (
      `node ${node} has another data folder in this cluster; one that comes in its place is taken when no process of that name has ` +
      `been connected for ${absentMilliseconds} ms`
    );
  }
}

function inUse(node: NodeId, address: string): string {
  const where = address === "" ? "" : `, at ${address},`;
  return (
    `${ofAnotherProcess}a process of node ${node} with another data folder is connected${where} and each node needs an --id of its own: ` +
    `give this one another --id, or stop that one first`
  );
}
