// What was met how often, by name: what is never met was never tested.

export const clusterSightings = [
  "cluster founded",
  "founder crashed in the founding",
  "founder waits for its operator",
  "operator emptied the founders",
  "node ready",
  "node stopped in order",
  "node left before it stopped",
  "process ended by its disk",
  "start refused by its disk",
  "node does not trust its tail",
  "node came back with an empty disk",
  "node set aside what was damaged",
  "map with an exchange",
  "exchange completed",
  "node came back to a newer map",
  "request to a node with an older map",
  "request forwarded",
  "request served by its own node",
  "node joined",
  "request by way of a node that joined",
  "request by way of a node without replicas",
  "page of keys",
  "all but one came to rest",
  "fast read where a write was answered",
  "write answered by a node whose replicas are not all open",
  "request retried after an unknown outcome",
  "request answered by a process that was paused",
] as const;
export type ClusterSighting = (typeof clusterSightings)[number];

export class Met<Name extends string> {
  readonly counts = new Map<Name, number>();

  note(name: Name): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
