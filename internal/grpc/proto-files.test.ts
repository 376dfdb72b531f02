// The numbers and names of the proto files are what other programs see: the code's own must be the same.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId, logIndex, replicaId, term } from "../base/ids.ts";
import type { ReplicaMessage } from "../replica/messages.ts";
import { kind, purpose } from "./peer-protocol.ts";
import { protoFile } from "./proto-files.ts";
import { replicaMessages } from "./replica-messages.ts";

function valuesOf(file: string, name: string): Record<string, number> {
  return { ...protoFile(file).lookupEnum(`trefoil.v1.${name}`).values };
}

describe("proto files", () => {
  it("name the kinds of parts and the purposes of streams as the code does", () => {
    const kinds = Object.entries(kind).map(([name, value]) => [`KIND_${name.toUpperCase()}`, value] as const);
    assert.deepEqual(valuesOf("peer.proto", "Kind"), Object.fromEntries([["KIND_UNSPECIFIED", 0], ...kinds]));
    const purposes = {
      PURPOSE_UNSPECIFIED: 0,
      PURPOSE_MAIN: purpose.main,
      PURPOSE_BULK: purpose.bulk,
      PURPOSE_VISIT: purpose.visit,
    };
    assert.deepEqual(valuesOf("peer.proto", "Purpose"), purposes);
  });

  it("number the messages of replicas as they are encoded", () => {
    const values = Object.entries(valuesOf("replica.proto", "MessageType"));
    assert.equal(values.length, 23);
    const address = { from: replicaId(1), to: replicaId(2), term: term(1), index: logIndex(1) };
    for (const [name, value] of values.filter(([, number]) => number > 0)) {
      // Its type alone, and what some of them must not be without.
      const bare = { ...address, type: name.toLowerCase(), entries: [], writes: [] } as unknown as ReplicaMessage;
      if (name === "SNAPSHOT") continue;
      const bytes = replicaMessages.encode(groupId(1), bare);
      assert.deepEqual([bytes[0], bytes[1]], [8, value], name);
    }
  });
});
