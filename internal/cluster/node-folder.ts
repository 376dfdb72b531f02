// The data folder of a node, and what it says of itself:
//
//   trefoil-node   {format, node, disk, life, founding, seats}: which node, under which name of the folder, in which process; which
//                  replicas have something here, whatever the map says of them by now
//   map            the last cluster map that the node heard of
//   log/ engine/ snapshots/
//   damaged-*      the record and these three as they were when something in them was found damaged: rule 21
//   .lock-*        while it runs
//
// Both files have their checksum below them, and are replaced as a whole: written beside, synced, renamed, the folder synced. The folder's name (`disk`) is random and
// made once: replicas are tied to it, so that an emptied folder is never taken for what was there. The life grows with each
// process and is durable before anybody hears it; in a new folder it begins with the time. The others refuse a
// process with the folder of one that they know and a smaller life; which folder goes with the name they judge apart.

import { utf8 } from "../base/bytes.ts";
import { corruption, TrefoilError } from "../base/errors.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import type { GroupId, NodeId, ReplicaId } from "../base/ids.ts";
import { DiskFailure, readFully, writeFully } from "../platform/disk.ts";
import type { Disk, FolderLock } from "../platform/disk.ts";
import { makeDurably } from "../platform/make-durably.ts";
import { decodeMap, encodeMap } from "./cluster-map.ts";
import type { ClusterMap } from "./cluster-map.ts";
import { countOf, fieldsOf, listOf, parseJson, textOf } from "./json-fields.ts";
import type { FoundingRecord, Proposal } from "./founding.ts";
import { sealJson, unsealJson } from "./sealed-json.ts";

const recordName = "trefoil-node";
const mapName = "map";
/** How what was set aside is called: in the same folder, where a name is changed as a whole. */
const asideOf = (name: string): string => `damaged-${name}`;
export const damagedNames = "damaged-*";
const format = 1;
const what = "the record of a data folder";

/** The files in it. */
export const ownNames = { record: recordName, map: mapName } as const;
export const nodeParts = { log: "log", engine: "engine", snapshots: "snapshots" } as const;

export interface NodeRecord {
  readonly node: NodeId;
  readonly disk: string;
  readonly life: number;
  readonly founding: FoundingRecord;
  /** Noted before a replica stores anything, until it is erased. */
  readonly seats: readonly Seat[];
  /** Why nothing here is believed any more; absent: it is. */
  readonly damage?: string;
}

export interface Seat {
  readonly group: GroupId;
  readonly replica: ReplicaId;
}

/** Whose folder it is, and what a new one is called. */
export interface NewFolder {
  readonly node: NodeId;
  readonly newDisk: string;
  /** The first life in a new one: greater than those in any folder that the node had before. */
  readonly newLife: number;
}

export class NodeFolder {
  readonly path: string;
  readonly map: ClusterMap | undefined;
  private readonly disk: Disk;
  private readonly lock: FolderLock;
  private present: NodeRecord;
  /** One replacement at a time. */
  private writing: Promise<void> = Promise.resolve();

  private constructor(parts: { disk: Disk; path: string; lock: FolderLock; record: NodeRecord; map?: ClusterMap }) {
    this.disk = parts.disk;
    this.path = parts.path;
    this.lock = parts.lock;
    this.present = parts.record;
    this.map = parts.map;
  }

  /** Takes the folder for a process of `node`, or makes one. */
  static async open(disk: Disk, path: string, { node, newDisk, newLife }: NewFolder): Promise<NodeFolder> {
    await makeDurably(disk, path);
    const lock = await lockFolder(disk, path);
    try {
      const known = await readRecord(disk, path);
      if (known !== undefined && known.node !== node) {
        const detail =
          `the data folder ${path} belongs to node ${known.node}, and this is ${node}; start it with --id ${known.node}, ` +
          `or give it a folder of its own with --data`;
        throw new TrefoilError("conflict", detail);
      }
      if (known === undefined) await refuseStrangers(disk, path);
      const life = known === undefined ? newLife : known.life + 1;
      const record: NodeRecord = {
        ...(known ?? { node, disk: newDisk, founding: { stage: "empty" }, seats: [] }),
        life,
      };
      const map =
        known === undefined ? undefined : await readMap(disk, path, record.damage === undefined ? record.seats : []);
      if (record.damage !== undefined && map === undefined) throw notSetAside(path, record.damage);
      const folder = new NodeFolder({ disk, path, lock, record, ...(map === undefined ? {} : { map }) });
      await folder.changeRecord(() => record);
      return folder;
    } catch (failure) {
      await lock.release();
      throw failure;
    }
  }

  get record(): NodeRecord {
    return this.present;
  }

  get seats(): readonly Seat[] {
    return this.present.seats;
  }

  /** Resolves when it is durable. */
  async noteFounding(founding: FoundingRecord): Promise<void> {
    await this.changeRecord((present) => ({ ...present, founding }));
  }

  /** Resolves when it is durable. One seat a group. */
  async changeSeats(change: (present: readonly Seat[]) => readonly Seat[]): Promise<void> {
    await this.changeRecord((present) => ({ ...present, seats: change(present.seats) }));
  }

  /** Nothing that lies here is believed any more: the next process sets it aside. Resolves when that is durable. */
  async noteDamage(damage: string): Promise<void> {
    await this.changeRecord((present) => ({ ...present, damage }));
  }

  /**
   * Rule 21: votes and acknowledgements of any replica may have been in what is damaged, so all of them begin anew, under the new name
   * of the folder that they are tied to. The map stays: a node that knows of its cluster founds no other. REQUIRES: neither log nor
   * engine is open. Throws `conflict` where it must not be done.
   */
  async setAside(damage: string, newDisk: string): Promise<void> {
    const { disk, path, map, present } = this;
    if (map === undefined) throw notSetAside(path, damage);
    // Once: or the first time again, which was cut off.
    if (present.damage === undefined) {
      if ((await disk.sizeOf(`${path}/${asideOf(recordName)}`)) !== undefined) throw damagedAgain(path, damage);
      await this.noteDamage(damage);
    }
    const { damage: _damage, ...before } = present;
    await replace(disk, path, { name: asideOf(recordName), bytes: encodeRecord(before) });
    for (const part of Object.values(nodeParts)) {
      if (await isThere(disk, `${path}/${part}`)) await disk.rename(`${path}/${part}`, `${path}/${asideOf(part)}`);
    }
    await disk.syncFolder(path);
    await this.changeRecord(() => ({ ...before, disk: newDisk, seats: [] }));
  }

  /** As what the node begins with next time. Resolves when it is durable. */
  async noteMap(map: ClusterMap): Promise<void> {
    await this.inTurn(() => replace(this.disk, this.path, { name: mapName, bytes: sealJson(encodeMap(map)) }));
  }

  async close(): Promise<void> {
    await this.writing.catch(() => undefined);
    await this.lock.release();
  }

  private async changeRecord(change: (present: NodeRecord) => NodeRecord): Promise<void> {
    await this.inTurn(async () => {
      const record = change(this.present);
      await replace(this.disk, this.path, { name: recordName, bytes: encodeRecord(record) });
      this.present = record;
    });
  }

  private inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.writing.then(action);
    // Its caller hears of a failure; the next one tries by itself.
    this.writing = done.catch(() => undefined);
    return done;
  }
}

const encodeRecord = (record: NodeRecord): Uint8Array => sealJson(utf8(JSON.stringify({ format, ...record })));

/** A folder, that is. */
async function isThere(disk: Disk, folder: string): Promise<boolean> {
  try {
    await disk.list(folder);
    return true;
  } catch (failure) {
    if (failure instanceof DiskFailure && failure.kind === "not_found") return false;
    throw failure;
  }
}

/** Without a map it is not known of which cluster the node is, or whether there is one: with an empty folder it might found another. */
function notSetAside(path: string, damage: string): TrefoilError {
  const detail =
    `${damage}; ${path} holds no cluster map, so the node does not set aside by itself what is damaged: move the folder away, and ` +
    `start the node with an empty one when the others are up`;
  return new TrefoilError("conflict", detail);
}

/** It was there before the first seat: by an older one, or none, the node would take leave of groups that it belongs to. */
function mapGone(path: string): TrefoilError {
  const detail =
    `${path}/${mapName} is gone, and replicas have stored something in ${path}; put it back, or move the folder away, and start the ` +
    `node with an empty one when the others are up: they fill it`;
  return new TrefoilError("conflict", detail);
}

function damagedAgain(path: string, damage: string): TrefoilError {
  const detail =
    `${damage}; and ${path}/${damagedNames} holds what was set aside when the node was found damaged before: a disk that damages again and ` +
    `again is not to be trusted. Replace it, or remove ${path}/${damagedNames}, and start the node again: the others fill it`;
  return new TrefoilError("conflict", detail);
}

async function lockFolder(disk: Disk, path: string): Promise<FolderLock> {
  try {
    return await disk.lockFolder(path);
  } catch (failure) {
    if (!(failure instanceof DiskFailure) || failure.kind !== "in_use") throw failure;
    const reason = failure.cause instanceof Error ? failure.cause.message : "in use by another process";
    const detail = `the data folder ${path} is ${reason}; each node has one of its own (--data)`;
    throw new TrefoilError("conflict", detail, { cause: failure });
  }
}

/** A folder without a record is taken only when nothing is in it. */
export async function refuseStrangers(disk: Disk, path: string): Promise<void> {
  const own = new Set([temporaryOf(recordName)]);
  const strangers = (await disk.list(path)).filter((name) => !own.has(name) && !name.startsWith(".lock-"));
  if (strangers.length === 0) return;
  const some = strangers.slice(0, 3).join(", ");
  const detail = `the folder ${path} is no data folder of a node, and holds ${some}; name an empty or a new one with --data`;
  throw new TrefoilError("conflict", detail);
}

/** What a data folder says of itself, without taking it; undefined: it is none. */
export async function readRecord(disk: Disk, path: string): Promise<NodeRecord | undefined> {
  const bytes = await readWhole(disk, `${path}/${recordName}`);
  if (bytes === undefined) return undefined;
  const fields = fieldsOf(parseJson(unsealJson(bytes, `${path}/${recordName}`), what), what);
  if (fields["format"] !== format) {
    throw corruption(
      `${path}/${recordName} has format ${String(fields["format"])}; this version reads format ${format}`,
    );
  }
  return {
    node: nodeId(textOf(fields["node"], what)),
    disk: textOf(fields["disk"], what),
    life: countOf(fields["life"], what),
    founding: decodeFounding(fields["founding"]),
    seats: listOf(fields["seats"] ?? [], what).map(decodeSeat),
    ...(fields["damage"] === undefined ? {} : { damage: textOf(fields["damage"], what) }),
  };
}

function decodeSeat(value: unknown): Seat {
  const { group, replica } = fieldsOf(value, what);
  return { group: groupId(countOf(group, what)), replica: replicaId(countOf(replica, what)) };
}

/** Undefined: the node has heard of none yet. Throws `conflict` when it must have, for it has these seats. */
export async function readMap(disk: Disk, path: string, seats: readonly Seat[] = []): Promise<ClusterMap | undefined> {
  const bytes = await readWhole(disk, `${path}/${mapName}`);
  if (bytes === undefined && seats.length > 0) throw mapGone(path);
  return bytes === undefined ? undefined : decodeMap(unsealJson(bytes, `${path}/${mapName}`));
}

export function decodeFounding(value: unknown): FoundingRecord {
  const { stage, proposal } = fieldsOf(value, what);
  if (stage === "empty") return { stage };
  if (stage !== "recorded" && stage !== "complete") throw corruption(`${what} in the unknown stage ${String(stage)}`);
  return { stage, proposal: decodeProposal(proposal) };
}

function decodeProposal(value: unknown): Proposal {
  const { cluster, peers, groups, disks } = fieldsOf(value, what);
  return {
    cluster: textOf(cluster, what),
    peers: listOf(peers, what).map((id) => nodeId(textOf(id, what))),
    groups: countOf(groups, what),
    disks: listOf(disks, what).map((disk) => textOf(disk, what)),
  };
}

export const temporaryOf = (name: string): string => `${name}.temporary`;

async function replace(disk: Disk, folder: string, file: { name: string; bytes: Uint8Array }): Promise<void> {
  const temporary = `${folder}/${temporaryOf(file.name)}`;
  const opened = await disk.openFile(temporary, { access: "write", create: "may" });
  try {
    await opened.truncate(0);
    await writeFully(opened, file.bytes, 0);
    await opened.syncData();
  } finally {
    await opened.close();
  }
  await disk.syncFolder(folder);
  await rename(disk, temporary, `${folder}/${file.name}`);
  await disk.syncFolder(folder);
}

/** Throws `conflict` where a folder stands in the place of the file: somebody has put it there. */
async function rename(disk: Disk, from: string, to: string): Promise<void> {
  try {
    await disk.rename(from, to);
  } catch (failure) {
    const isFolder = await disk.list(to).then(
      () => true,
      () => false,
    );
    if (!isFolder) throw failure;
    const detail = `${to} is a folder, where a file of this node belongs; move it away, and start the node again`;
    throw new TrefoilError("conflict", detail, { cause: failure });
  }
}

async function readWhole(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  const size = await disk.sizeOf(path);
  if (size === undefined) return undefined;
  const file = await disk.openFile(path, { access: "read" });
  try {
    const bytes = new Uint8Array(size);
    return bytes.subarray(0, await readFully(file, bytes, 0));
  } finally {
    await file.close();
  }
}
