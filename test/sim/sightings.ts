// States and paths that runs have to meet, counted: one that is never met was never tested.

export const sightingKinds = [
  "several events in one turn",
  "office lost in the turn that took a write",
  "late message arrives",
  "late message arrives after a restart",
  "message lost with its connection",
  "message of a paused process arrives late",
  "message to a node that is down",
  "power cut at write",
  "power cut at syncData",
  "power cut at create",
  "power cut at rename",
  "power cut at remove",
  "power cut at syncFolder",
  "all but a clock came to rest",
  "majority alone came to rest",
  "leader without quorum",
  "leader steps down with a hung disk",
  "process ended by its disk",
  "start refused by its disk",
  "storage full",
  "damage found",
  "tail not trusted",
  "learner",
  "joint configuration",
  "crash in a joint configuration",
  "replica made whole on a new disk",
  "voter removed",
  "leader hands over before it leaves",
  "change refused",
  "snapshot installed",
  "snapshot installed by a learner",
  "snapshot installed by who sends one",
  "started again with salvage",
  "stamps far ahead",
  "slot sealed",
  "slot opened",
  "records loaded",
  "replica removed for good",
  "removed with salvage",
  "removed replica erased",
  "replica compared with what was applied",
  "read with a bound on its age",
  "read of what its node was answered",
] as const;
export type SightingKind = (typeof sightingKinds)[number];

export class Sightings {
  readonly counts = new Map<SightingKind, number>();

  note(kind: SightingKind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}
