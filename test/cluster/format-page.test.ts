// docs/formats/cluster.md against the code: its examples are what the code reads and writes.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { hex, utf8, utf8Text } from "../../internal/base/bytes.ts";
import { groupId, logIndex, nodeId, replicaId, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { decodeMap, encodeMap } from "../../internal/cluster/cluster-map.ts";
import { NodeFolder } from "../../internal/cluster/node-folder.ts";
import { sealJson, unsealJson } from "../../internal/cluster/sealed-json.ts";
import { clientKind, encodeAnswer, encodeCall, writeWrote } from "../../internal/node/client-wire.ts";
import { decodeTalk, encodeTalk } from "../../internal/node/peer-talk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { examplesOfHexPage, rowsOfPage } from "../support/hex-page.ts";

const page = readFileSync("docs/formats/cluster.md", "utf8");
const [recordText = "", mapText = ""] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text);
const folder = "/data";

describe("docs/formats/cluster.md", () => {
  it("shows a record of a data folder that is read and kept", async () => {
    const disk = new MemoryDisk();
    await disk.makeFolder(folder);
    disk.put(`${folder}/trefoil-node`, sealJson(utf8(recordText)));
    disk.put(`${folder}/map`, sealJson(utf8(mapText)));
    const opened = await NodeFolder.open(disk, folder, { node: nodeId("n1"), newDisk: "another", newLife: 1 });
    const { format, ...shown } = JSON.parse(recordText) as { format: number; life: number };
    assert.equal(format, 1);
    assert.deepEqual(opened.record, { ...shown, life: shown.life + 1 });
    await opened.close();
    const kept = JSON.parse(
      utf8Text(unsealJson(disk.peek(`${folder}/trefoil-node`) ?? new Uint8Array(0), "it")),
    ) as unknown;
    assert.deepEqual(kept, { format, ...shown, life: shown.life + 1 });
  });

  it("shows a map that is read and written", () => {
    const map = decodeMap(utf8(mapText));
    assert.deepEqual(JSON.parse(utf8Text(encodeMap(map))), JSON.parse(mapText));
  });

  it("shows requests and answers as the code writes them", () => {
    const version = { term: term(3), index: logIndex(9) };
    const request = {
      kind: "put",
      key: utf8("k"),
      mode: undefined,
      condition: { kind: "version", version },
      requestId: utf8("r1"),
      ttl: { kind: "milliseconds", milliseconds: 60_000 },
      contentType: "text/plain",
      value: utf8("hi"),
    } as const;
    const wrote = {
      version: { term: term(3), index: logIndex(10) },
      acks: 2,
      replicas: 3,
      durability: "synced",
      expiresAt: 1_720_000_001_376,
      role: "leader",
    } as const;
    const call = { epoch: 2, group: groupId(1) };
    const after = { newest: version, committed: { term: term(3), index: logIndex(8) } };
    const encoded = [
      encodeCall({ ...call, call: { kind: "write", asked: { request, mode: "strong", stamp: stamp(2048) } } }),
      encodeAnswer({ kind: "done", value: wrote }, writeWrote, undefined),
      encodeAnswer({ kind: "again", why: "not_leader", leader: nodeId("n2") }, writeWrote, undefined),
      encodeCall({ ...call, call: { kind: "get", asked: { mode: "fast", after, key: utf8("k") } } }),
    ];
    assert.deepEqual(examplesOfHexPage(page).map(hex), encoded.map(hex));
  });

  it("numbers the reasons to try again", () => {
    const line = /^why +=(.*)$/m.exec(page)?.[1] ?? "";
    const reasons = line.split("|").map((part) => part.trim().split(" "));
    for (const [number, why] of reasons) {
      const answer = encodeAnswer({ kind: "again", why: why as "busy", leader: undefined }, writeWrote, undefined);
      assert.equal(answer[2], Number(number), why);
    }
    assert.equal(reasons.length, 8);
  });

  it("names every kind of request", () => {
    const rows = rowsOfPage(page, "kind | request").map(([kind, name = ""]): [string, number] => [name, Number(kind)]);
    assert.deepEqual(Object.fromEntries(rows.filter(([, kind]) => kind >= clientKind.get)), clientKind);
    const talks = [
      { kind: "map", epoch: 1, map: undefined },
      { kind: "joined", group: groupId(1), replica: replicaId(4) },
      { kind: "leaving" },
      { kind: "clock", wall: 1_760_000_000_123 },
    ] as const;
    for (const talk of talks) {
      assert.deepEqual(decodeTalk(encodeTalk(talk)), talk);
      assert.equal(encodeTalk(talk)[0], Object.fromEntries(rows)[talk.kind]);
    }
  });
});
