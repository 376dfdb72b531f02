// What a setting that is given nowhere takes from others that are, before its default.

import { addressOf, printAddress } from "./addresses.ts";
import type { IsGiven } from "./checks.ts";
import type { NodeValues } from "./values.ts";

export interface Derived {
  readonly flag: string;
  /** The setting that says it: it counts as given where that one is. */
  readonly from: string;
  /** As it would be written there. */
  readonly text: string;
}

/** The others dial a founder at its entry. Where ports are mapped on the way, which --advertise-peer says, that says nothing of its own. */
export function derivedOfNode({ id, peers, peer }: Partial<NodeValues>, isGiven: IsGiven): readonly Derived[] {
  const own = addressOf(peers, id);
  if (own === undefined || peer === undefined || isGiven("peer") || isGiven("advertise-peer")) return [];
  return [{ flag: "peer", from: "peers", text: printAddress({ host: peer.host, port: own.port }) }];
}
