// Bugs to plant in what makes replicas a cluster: founding, map, coordinator. Whole clusters are run for them.

import type { SimMutant } from "./sim-mutant.ts";

const coordinator = "internal/node/coordinator.ts";
const localGroups = "internal/node/local-groups.ts";

const olderMap = {
  file: "../sim/cluster/older-map",
  name: "is refused for a slot that has another owner by a newer one, at each try, and then goes to that one",
};

export const clusterMutants: readonly SimMutant[] = [
  {
    name: "old map accepted",
    run: "cluster",
    file: "internal/node/map-keeper.ts",
    find: "if (newest !== undefined && map.epoch <= newest.epoch) return;",
    replace: "if (newest !== undefined && map.epoch === newest.epoch) return;",
  },
  {
    name: "a request by an older map is taken by the former owner of its slot",
    file: "internal/node/answering.ts",
    find: "if (newer !== undefined && !this.isOwner(group, call))",
    replace: "if (newer !== undefined && !this.isOwner(group, call) && epoch < 0)",
    scenario: olderMap,
  },
  {
    name: "a request that is tried again goes by the newer map that the try before brought, to the group of the older one",
    file: "internal/node/routing.ts",
    find: "const { epoch, trace } = way;",
    replace: "const { trace } = way;\n    const { epoch } = this.parts.keeper;",
    scenario: olderMap,
  },
  {
    name: "rule 16: fast reads wait for nothing that their node has answered",
    run: "cluster",
    file: coordinator,
    find: 'const after = mode === "fast" ? this.told.of(group) : undefined;',
    replace: "const after = undefined;",
    also: [{ file: coordinator, find: "request.key, this.told.of(group));", replace: "request.key, undefined);" }],
  },
  {
    name: "rule 16: a replica that opens knows nothing of what its node has told",
    run: "cluster",
    file: "internal/node/group-service.ts",
    find: "if (after !== undefined) replica.noteAnswered(after.newest);",
    replace: "",
    also: [
      {
        file: coordinator,
        find: 'if (mode === "strong") this.told.note(group, version, undefined);',
        replace:
          'const service = this.parts.service as unknown as { replicaOf(of: GroupId): { noteAnswered(of: typeof version): void } | undefined } | undefined;\n    service?.replicaOf(group)?.noteAnswered(version);\n    if (mode === "strong") this.told.note(group, version, undefined);',
      },
    ],
  },
  {
    name: "rule 16: what reads have told is forgotten",
    run: "cluster",
    file: coordinator,
    find: "this.told.note(group, applied, ahead);",
    replace: "",
  },
  {
    name: "rule 16: pages wait for nothing that their node has answered",
    run: "cluster",
    file: coordinator,
    find: 'const told = mode === "fast" ? this.told.of(group) : undefined;',
    replace: "const told = undefined;",
  },
  {
    name: "rule 16: a leader's pages show nothing of what it has answered fast",
    run: "cluster",
    file: "internal/replica/replica.ts",
    find: "return { ...withAhead(page, ahead, whole), ...shown };",
    replace: "void ahead;\n    void withAhead;\n    return { ...page, ...shown };",
  },
  {
    name: "a write retried without a request id",
    run: "cluster",
    file: coordinator,
    find: "isRepeatable: request.requestId !== undefined,",
    replace: "isRepeatable: true,",
  },
  {
    name: "rule 26: founding in one step",
    run: "cluster",
    file: "internal/cluster/founding.ts",
    find: 'if (!isKnown && missing.length > 0) return { kind: "wait", for: missing };',
    replace: "",
  },
  {
    name: "rule 26: a replica goes on under its id in another data folder",
    run: "cluster",
    file: localGroups,
    find: "find((seat) => seat.node === node && seat.disk === diskName)",
    replace: "find((seat) => seat.node === node)",
  },
  {
    name: "who joins takes the present voters for the first ones",
    run: "cluster",
    file: localGroups,
    find: "first: configuration(firstReplicas),",
    replace: "first: configuration(group.replicas.map(({ replica }) => replica)),",
  },
  {
    name: "a replica that is being filled serves reads",
    run: "cluster",
    file: "internal/node/group-service.ts",
    find: '// What it lacks may be anything.\n    if (!replica.isWhole) return this.againAt(group, replica, "behind");',
    replace: "",
    also: [
      {
        file: "internal/node/group-service.ts",
        find: "if (replica === undefined || !replica.isWhole) return undefined;",
        replace: "if (replica === undefined) return undefined;",
      },
    ],
  },
  {
    name: "rule 19: a node goes on with a tail that it cannot trust",
    run: "cluster",
    file: "internal/node/trusted-parts.ts",
    find: "if (log.mayHaveLost) throw untrusted(folder.path);",
    replace: "",
  },
  {
    name: "a local replica is waited for beyond the deadline",
    run: "cluster",
    file: "internal/node/routing.ts",
    find: "return new Promise((resolve, reject) => {\n      const deadline",
    replace:
      "if (left > 0) return route.serve(service);\n    return new Promise((resolve, reject) => {\n      const deadline",
  },
];
