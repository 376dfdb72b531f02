// Brings a replica back to where it was, from the log and the engine, or makes a new one.
//
//   engine: applied index, incarnation | log: hard state, entries
//      1  a snapshot whose switch was made and whose mark in the log was not: the mark is made now
//      2  committed entries behind the engine's applied index are applied
//      3  the core begins with what is known to be committed; what lies behind may be so or not: the leader will tell

import { corruption, TrefoilError } from "../base/errors.ts";
import { logIndex } from "../base/ids.ts";
import type { GroupId, LogIndex, ReplicaId } from "../base/ids.ts";
import type { Prng } from "../base/prng.ts";
import type { Engine } from "../engine/engine.ts";
import type { GroupLog } from "../log/group-log.ts";
import type { Log } from "../log/log.ts";
import { decodeConfiguration } from "../raft/configuration.ts";
import type { Background } from "../platform/background.ts";
import type { Disk } from "../platform/disk.ts";
import type { Configuration, ConfigurationAt } from "../raft/configuration.ts";
import { Raft } from "../raft/raft.ts";
import { entryKind } from "../raft/types.ts";
import type { Entry } from "../raft/types.ts";
import { Applier } from "./applier.ts";
import { GroupState } from "./group-state.ts";
import { entryOf, LogEntries } from "./log-entries.ts";
import type { ForeignWrite } from "./merge.ts";
import { replicaDefaults } from "./options.ts";
import type { ReplicaOptions } from "./options.ts";
import { ReplicaNumbers } from "./replica-numbers.ts";
import { Replica } from "./replica.ts";
import type { ReplicaPlace, ReplicaSeams } from "./replica-parts.ts";
import { dropKept } from "./salvager.ts";
import { clearFolder } from "./snapshot-receiver.ts";

export interface ReplicaStart {
  readonly group: GroupId;
  readonly id: ReplicaId;
  /** The group's first configuration; counts while the log and the engine know none. */
  readonly first: Configuration;
  readonly log: Log;
  readonly engine: Engine;
  readonly seams: ReplicaSeams;
  readonly random: Prng;
  readonly isSynced: boolean;
  readonly disk: Disk;
  readonly background: Background;
  /** For snapshots that come in; this replica's alone, on the engine's file system. */
  readonly snapshotFolder: string;
  readonly options?: Partial<ReplicaOptions>;
}

const readBytes = 1024 * 1024;

export async function openReplica(start: ReplicaStart): Promise<Replica> {
  const { engine, log, id } = start;
  if (log.mayHaveLost) {
    const detail =
      `group ${start.group}: replica ${id} may have lost votes and acknowledged entries with the end of its log; ` +
      `it takes no part any more, and comes back under a new id`;
    throw new TrefoilError("corruption", detail);
  }
  const group = log.group(start.group);
  const options = { ...replicaDefaults, ...start.options };
  const place = await openPlace(start, group);
  const hardState = group.hardState;
  const commit = logIndex(Math.max(hardState.commit, place.state.last.index));
  const before = await configurationsBehind(group, place.state.last.index);
  await applyCommitted({ group, engine, place, commit });
  const conflict = place.state.departures.conflictOf(id);
  if (conflict !== undefined) throw conflict;
  const { last, configuration } = place.state;
  const tail = await entriesBetween(group, commit, group.lastIndex);
  const entries = new LogEntries(group);
  const raft = new Raft(
    {
      group: start.group,
      id,
      hardState: { term: hardState.term, vote: hardState.vote as ReplicaId, commit },
      log: { base: group.base, runs: group.termRuns, commit, commitStamp: last.stamp, tail },
      configurations: [configuration, ...before.filter((known) => known.index > configuration.index)],
      entries,
      random: start.random,
    },
    options.raft,
  );
  const { seams, isSynced, disk, background, snapshotFolder } = start;
  await clearFolder(disk, snapshotFolder);
  const world = { seams, disk, background, snapshotFolder };
  const numbers = new ReplicaNumbers();
  return new Replica({ ...world, id, options, log, group, engine, raft, entries, isSynced, place, numbers });
}

async function openPlace(start: ReplicaStart, group: GroupLog): Promise<ReplicaPlace> {
  const { engine, group: id, first } = start;
  const known = engine.placeOf(id);
  const incarnation = known?.incarnation ?? (await engine.createIncarnation(id));
  const state = await GroupState.load(engine, incarnation, first);
  const durable = engine.appliedIndex(incarnation);
  // Memory may know more, where the engine has been open all the time.
  if (state.last.index < durable) {
    throw corruption(`group ${id}: its tables end at entry ${durable}, its own record says ${state.last.index}`);
  }
  const snapshot = known?.snapshot;
  // The switch to a snapshot is the decision; the log follows.
  if (snapshot !== undefined && snapshot.index > group.base.index && group.termOf(snapshot.index) !== snapshot.term) {
    await start.log.whenDurable(group.installSnapshot(snapshot.index, snapshot.term));
  }
  if (group.base.index > durable) {
    throw corruption(`group ${id}: its log begins behind entry ${group.base.index}, its tables end at ${durable}`);
  }
  group.flushed(durable);
  return { incarnation, state };
}

async function applyCommitted(parts: {
  readonly group: GroupLog;
  readonly engine: Engine;
  readonly place: ReplicaPlace;
  readonly commit: LogIndex;
}): Promise<void> {
  const { group, engine, place, commit } = parts;
  const events = {
    onAnswer: () => undefined,
    onMerged: ({ version }: ForeignWrite) => void dropKept(group, version),
  };
  const applier = new Applier({ log: group, engine, ...place }, events);
  while (applier.appliedIndex < commit) await applier.applyLoaded(commit);
}

/** The entries from behind `after` to `to`, in memory of their own. */
async function entriesBetween(group: GroupLog, after: LogIndex, to: LogIndex): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (let next: number = after + 1; next <= to; next = (entries.at(-1)?.index ?? to) + 1) {
    const read = await group.read(logIndex(next), to, readBytes);
    if (read.kind !== "entries") throw corruption(`group ${group.group}: entry ${next} is not in its log`);
    for (const view of read.entries) entries.push(entryOf(view));
  }
  return entries;
}

async function configurationsBehind(group: GroupLog, after: LogIndex): Promise<ConfigurationAt[]> {
  const found: ConfigurationAt[] = [];
  for (let next: number = after + 1; next <= group.lastIndex;) {
    const read = await group.read(logIndex(next), group.lastIndex, readBytes);
    if (read.kind !== "entries") throw corruption(`group ${group.group}: entry ${next} is not in its log`);
    for (const view of read.entries) {
      const { kind, index, payload } = entryOf(view);
      if (kind === entryKind.configuration) found.push({ index, configuration: decodeConfiguration(payload) });
      next = index + 1;
    }
  }
  return found;
}
