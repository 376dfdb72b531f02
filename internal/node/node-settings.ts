// What a node is made with: the platform that it stands on, and what it is told.

import type { NodeId } from "../base/ids.ts";
import type { Prng } from "../base/prng.ts";
import type { Addresses } from "../cluster/cluster-map.ts";
import type { EngineOptions } from "../engine/options.ts";
import type { LogOptions } from "../log/options.ts";
import type { Background } from "../platform/background.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import type { Machine } from "../platform/machine.ts";
import type { Network } from "../platform/network.ts";
import type { MessageCodec } from "../replica/message-codec.ts";
import type { ReplicaOptions } from "../replica/options.ts";
import type { ReadMode, WriteMode } from "./requests.ts";

export interface NodeSeams {
  readonly disk: Disk;
  readonly background: Background;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly machine: Machine;
  readonly logger: Logger;
  readonly random: Prng;
  readonly network: Network;
  readonly codec: MessageCodec;
  /** The process cannot go on. */
  onFailure(failure: Error): void;
}

export interface NodeSettings {
  readonly id: NodeId;
  readonly folder: string;
  /** Where the others listen, and this one; the first three by id found the cluster. Empty: it joins. */
  readonly peers: ReadonlyMap<NodeId, string>;
  /** Of a node that joins: where some nodes of the cluster listen. */
  readonly seeds?: readonly string[];
  readonly groups: number;
  /** So long a group goes on with whom it has elected, when the map would have another one lead it. */
  readonly leadershipMilliseconds?: number;
  /** So far apart the nodes' clocks are believed to be. */
  readonly clockSkewMilliseconds?: number;
  readonly zone: string;
  readonly addresses: Addresses;
  readonly defaults: { readonly read: ReadMode; readonly write: WriteMode };
  /** The largest value that clients of this node may put. */
  readonly valueBytesMax?: number;
  readonly log: Partial<LogOptions>;
  readonly engine: Partial<EngineOptions>;
  readonly replica: Partial<ReplicaOptions>;
}
