// From the settings of a process to those of its node and its edges.

import { nodeId } from "../../internal/base/ids.ts";
import { printAddress } from "../../internal/config/addresses.ts";
import type { HostPort } from "../../internal/config/addresses.ts";
import {
  advertisedAddresses,
  engineOptionsOf,
  logOptionsOf,
  replicaOptionsOf,
} from "../../internal/config/node-options.ts";
import type { ListenerFlag, NodeValues } from "../../internal/config/values.ts";
import type { NodeSettings } from "../../internal/node/node.ts";

/** `bound`: where the listeners are, with ports that the system chose. What is not listened on is advertised to nobody. */
export function nodeSettingsOf(
  values: NodeValues,
  bound: Readonly<Partial<Record<ListenerFlag, HostPort>>>,
): NodeSettings {
  const { id, data, peers = [], join = [], groups, zone } = values;
  const { http, resp, grpc, peer, admin } = values;
  const told = advertisedAddresses(values, { http, resp, grpc, peer, admin, ...bound });
  const ofBound = (flag: ListenerFlag): string => (bound[flag] === undefined ? "" : told[flag]);
  return {
    id: nodeId(id),
    folder: data,
    peers: new Map(peers.map((each) => [nodeId(each.id), printAddress(each.address)])),
    seeds: join.map(printAddress),
    groups,
    clockSkewMilliseconds: values["max-clock-skew"],
    zone,
    addresses: {
      peer: told.peer,
      http: ofBound("http"),
      resp: ofBound("resp"),
      grpc: ofBound("grpc"),
      admin: ofBound("admin"),
    },
    defaults: { read: values["default-read"], write: values["default-write"] },
    valueBytesMax: values["max-value-bytes"],
    log: logOptionsOf(values),
    engine: engineOptionsOf(values),
    replica: replicaOptionsOf(values),
  };
}
