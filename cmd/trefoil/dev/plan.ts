// Which processes a cluster for development has, on which ports, and with which flags.

import { join } from "node:path";
import { flagsOf } from "../../../internal/config/print-settings.ts";
import { devSchema, handedToNodes } from "../../../internal/config/schema.ts";
import { listenedOn } from "../../trefoild/listened-on.ts";
import type { DevValues, ListenerFlag } from "../../../internal/config/values.ts";

export interface PlannedNode {
  readonly id: string;
  readonly ports: Readonly<Record<ListenerFlag, number>>;
  /** Of `trefoild`. */
  readonly flags: readonly string[];
}

export interface Plan {
  readonly values: DevValues;
  readonly nodes: readonly PlannedNode[];
}

/** Everything is on the loopback interface. */
export const loopback = "127.0.0.1";

export const idOf = (at: number): string => `n${at + 1}`;

export function planOf(values: DevValues): Plan {
  const places = Array.from({ length: values.nodes }, (_, at) => at);
  const peers = places.map((at) => `${idOf(at)}=${loopback}:${values.peer + at}`).join(",");
  const handed = flagsOf(devSchema, values, handedToNodes);
  const nodes = places.map((at): PlannedNode => {
    const id = idOf(at);
    const ports = {
      http: values.http + at,
      resp: values.resp + at,
      grpc: values.grpc + at,
      peer: values.peer + at,
      admin: values.admin + at,
    };
    const own = [`--id=${id}`, `--data=${join(values.data, id)}`, `--peers=${peers}`, `--groups=${values.groups}`];
    const listeners = listenedOn.map((flag) => `--${flag}=${loopback}:${ports[flag]}`);
    return { id, ports, flags: [...own, ...listeners, ...handed, "--log-format=json"] };
  });
  return { values, nodes };
}
