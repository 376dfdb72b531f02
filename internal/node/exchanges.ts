// A replica takes the place of another (rule 12, 26), step by step, by whoever leads the group; each step is taken again until the
// group's configuration shows it, so a leader that changes in between is no harm:
//
//   map: exchange --> joining is a learner --caught up--> joint --> the new three --told to the meta group--> map: done
//
// A leader whose own place it is hands over first.

import type { ReplicaId } from "../base/ids.ts";
import type { MapGroup } from "../cluster/cluster-map.ts";
import { isJoint } from "../raft/configuration.ts";
import type { Configuration } from "../raft/configuration.ts";
import type { Membership } from "../raft/membership.ts";

export type ExchangeStep =
  | { readonly kind: "nothing" }
  | { readonly kind: "change"; readonly to: Membership }
  | { readonly kind: "hand_over"; readonly to: ReplicaId }
  /** The group has the new three. */
  | { readonly kind: "joined"; readonly replica: ReplicaId };

/** What the leader `self` of a group does next. */
export function exchangeStep(group: MapGroup, present: Configuration, self: ReplicaId): ExchangeStep {
  if (isJoint(present)) return { kind: "nothing" };
  const { exchange } = group;
  if (exchange === undefined) {
    // A learner of an exchange that was given up.
    return present.learners.length === 0 ? { kind: "nothing" } : changeTo(present.voters, []);
  }
  const { joining, leaving } = exchange;
  if (present.voters.includes(joining.replica)) return { kind: "joined", replica: joining.replica };
  const isLearning = present.learners.includes(joining.replica) && present.learners.length === 1;
  if (!isLearning) return changeTo(present.voters, [joining.replica]);
  const staying = group.replicas.map(({ replica }) => replica).filter((replica) => replica !== leaving);
  if (leaving === self) {
    const heir = staying.find((replica) => present.voters.includes(replica));
    return heir === undefined ? { kind: "nothing" } : { kind: "hand_over", to: heir };
  }
  return changeTo([...staying, joining.replica], []);
}

const changeTo = (voters: readonly ReplicaId[], learners: readonly ReplicaId[]): ExchangeStep => {
  return { kind: "change", to: { voters, learners } };
};
