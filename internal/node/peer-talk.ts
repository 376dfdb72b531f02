// What nodes ask of each other beside what replicas say, as bytes: a kind, then JSON for what is rare, fields for what clients wait for.
//
//   request := kind u8 | JSON
//   answer  := of found: JSON, the word of the one that was asked; of map: a request of this kind with a newer one, or nothing; of
//              clock: a request of this kind with the time; of register, joined, leaving and unfit: nothing. Who cannot do it refuses the request
//
// Both sides may be of two versions that follow each other: fields that are not known are passed over, kinds that are not are
// refused. docs/formats/cluster.md has all of it.

import { utf8 } from "../base/bytes.ts";
import { corruption } from "../base/errors.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import type { GroupId, ReplicaId } from "../base/ids.ts";
import { decodeMap, decodeMapNode, encodeMap } from "../cluster/cluster-map.ts";
import type { ClusterMap, MapNode } from "../cluster/cluster-map.ts";
import type { FoundingWord } from "../cluster/founding.ts";
import { countOf, fieldsOf, listOf, parseJson, textOf } from "../cluster/json-fields.ts";
import { decodeFounding } from "../cluster/node-folder.ts";

const talkKind = { found: 1, map: 2, register: 3, joined: 4, leaving: 5, clock: 6, unfit: 7 } as const;

const what = "what a node asks another";

export type Talk =
  /** Another founder says where it stands; the answer says where this one does. */
  | { readonly kind: "found"; readonly word: FoundingWord }
  /** The asker's map, when it may be news; the answer is a newer one, when there is one here. */
  | { readonly kind: "map"; readonly epoch: number; readonly map: ClusterMap | undefined }
  /** To whoever leads the meta group: where a node is, and what folder it has. */
  | { readonly kind: "register"; readonly node: MapNode }
  /** To whoever leads the meta group: a group has taken a replica in, and let go the one whose place it took. */
  | { readonly kind: "joined"; readonly group: GroupId; readonly replica: ReplicaId }
  /** The asker stops: nothing more is asked of it, nor is it given anything to lead, until a new process of it is there. */
  | { readonly kind: "leaving" }
  /** What time it is there: the answer has it. Milliseconds since 1970. */
  | { readonly kind: "clock"; readonly wall: number | undefined }
  /** The asker cannot write: it is given nothing to lead for a while. */
  | { readonly kind: "unfit"; readonly why: string };

export function encodeTalk(talk: Talk): Uint8Array {
  const { kind } = talk;
  const body =
    kind === "map" && talk.map !== undefined ? { ...talk, map: JSON.parse(textOfMap(talk.map)) as unknown } : talk;
  const text = utf8(JSON.stringify(body));
  const bytes = new Uint8Array(1 + text.length);
  bytes[0] = talkKind[kind];
  bytes.set(text, 1);
  return bytes;
}

/** Whether bytes ask for the map. */
export const isMapTalk = (bytes: Uint8Array): boolean => bytes[0] === talkKind.map;

const textOfMap = (map: ClusterMap): string => new TextDecoder().decode(encodeMap(map));

/** Throws `corruption` for bytes that are none of these. */
export function decodeTalk(bytes: Uint8Array): Talk {
  const fields = fieldsOf(parseJson(bytes.subarray(1), what), what);
  switch (bytes[0] ?? 0) {
    case talkKind.found:
      return { kind: "found", word: decodeWord(fields["word"]) };
    case talkKind.map: {
      const map = fields["map"] === undefined ? undefined : decodeMap(utf8(JSON.stringify(fields["map"])));
      return { kind: "map", epoch: countOf(fields["epoch"], what), map };
    }
    case talkKind.register:
      return { kind: "register", node: decodeMapNode(fields["node"]) };
    case talkKind.joined: {
      const { group, replica } = fields;
      return { kind: "joined", group: groupId(countOf(group, what)), replica: replicaId(countOf(replica, what)) };
    }
    case talkKind.leaving:
      return { kind: "leaving" };
    case talkKind.clock:
      return { kind: "clock", wall: fields["wall"] === undefined ? undefined : countOf(fields["wall"], what) };
    case talkKind.unfit:
      return { kind: "unfit", why: textOf(fields["why"], what) };
    default:
      throw corruption(`${what}: the unknown kind ${bytes[0]}`);
  }
}

export function decodeWord(value: unknown): FoundingWord {
  const { disk, peers, groups, record } = fieldsOf(value, what);
  return {
    disk: textOf(disk, what),
    peers: listOf(peers, what).map((id) => nodeId(textOf(id, what))),
    groups: countOf(groups, what),
    record: decodeFounding(record),
  };
}
