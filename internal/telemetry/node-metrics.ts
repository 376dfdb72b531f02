// What a node measures beside its requests: groups, replication, log, engine, salvage, snapshots, moves. Each source is a function that
// gives plain numbers when somebody looks; one that is left out (a gateway has no engine) has no metrics.

import type { ErrorCode } from "../base/errors.ts";
import type { EngineStats } from "../engine/engine-stats.ts";
import { durationBoundsMilliseconds } from "../log/log-stats.ts";
import type { LogStats } from "../log/log-stats.ts";
import { counter, gauge, histogramSamples, single } from "./families.ts";
import type { Family, Sample } from "./families.ts";

/** Of one group with a replica here. */
export interface GroupNumbers {
  readonly group: number;
  readonly term: number;
  readonly isLeader: boolean;
  readonly firstIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
}

/** How far another replica of a group is behind its leader, which is here. */
export interface LagNumbers {
  readonly group: number;
  readonly replica: number;
  readonly entries: number;
  /** Undefined: nobody can say. */
  readonly seconds: number | undefined;
}

/** How far the clock of another node is ahead of this one's. */
export interface ClockNumbers {
  readonly node: string;
  readonly aheadMilliseconds: number;
}

const salvageOutcomes = ["salvaged", "superseded", "lost"] as const;
export type SalvageNumbers = Readonly<Record<(typeof salvageOutcomes)[number], number>>;

/** Of one group. */
export interface SnapshotNumbers {
  readonly group: number;
  readonly sending: number;
  readonly receiving: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly made: number;
  readonly installed: number;
}

export interface MigrationNumbers {
  readonly slotsMoving: number;
  readonly slotsMoved: number;
  readonly entries: number;
}

export interface NodeSources {
  readonly groups?: () => readonly GroupNumbers[];
  readonly lags?: () => readonly LagNumbers[];
  /** In which a replica of this node stood or voted since the process began. */
  readonly elections?: () => number;
  readonly clocks?: () => readonly ClockNumbers[];
  /** Why the node cannot write; undefined: it can. */
  readonly unfitness?: () => ErrorCode | undefined;
  readonly log?: () => LogStats;
  readonly engine?: () => EngineStats;
  readonly salvage?: () => SalvageNumbers;
  readonly snapshots?: () => readonly SnapshotNumbers[];
  readonly migration?: () => MigrationNumbers;
}

export function nodeFamilies(sources: NodeSources): Family[] {
  const { groups, lags, elections, clocks, unfitness, log, engine, salvage, snapshots, migration } = sources;
  return [
    ...(groups === undefined ? [] : groupFamilies(groups)),
    ...(lags === undefined ? [] : lagFamilies(lags)),
    ...(elections === undefined
      ? []
      : [counter("trefoil_elections_total", "Elections that replicas here took part in.", () => single(elections()))]),
    ...(clocks === undefined ? [] : [clockFamily(clocks)]),
    ...(unfitness === undefined ? [] : [unfitFamily(unfitness)]),
    ...(log === undefined ? [] : logFamilies(log)),
    ...(engine === undefined ? [] : engineFamilies(engine)),
    ...(salvage === undefined ? [] : salvageFamilies(salvage)),
    ...(snapshots === undefined ? [] : snapshotFamilies(snapshots)),
    ...(migration === undefined ? [] : familiesOf(migration, migrationRows)),
  ];
}

function groupFamilies(groups: () => readonly GroupNumbers[]): Family[] {
  const of = (value: (numbers: GroupNumbers) => number) => (): readonly Sample[] =>
    groups().map((numbers) => ({ labels: { group: numbers.group }, value: value(numbers) }));
  return [
    gauge(
      "trefoil_raft_term",
      "Term of the group.",
      of(({ term }) => term),
    ),
    gauge(
      "trefoil_raft_leader",
      "1: the group's leader is here.",
      of(({ isLeader }) => (isLeader ? 1 : 0)),
    ),
    gauge(
      "trefoil_raft_first_index",
      "First entry that the log here has: a replica that needs an earlier one gets a snapshot.",
      of(({ firstIndex }) => firstIndex),
    ),
    gauge(
      "trefoil_raft_commit_index",
      "Last entry known to be committed.",
      of(({ commitIndex }) => commitIndex),
    ),
    gauge(
      "trefoil_raft_applied_index",
      "Last entry applied here.",
      of(({ appliedIndex }) => appliedIndex),
    ),
  ];
}

function lagFamilies(lags: () => readonly LagNumbers[]): Family[] {
  const labelsOf = ({ group, replica }: LagNumbers) => ({ group, replica });
  return [
    gauge(
      "trefoil_replication_lag_entries",
      "Entries of its leader's log that a replica lacks, as the leader here knows.",
      () => lags().map((lag) => ({ labels: labelsOf(lag), value: lag.entries })),
    ),
    gauge("trefoil_replication_lag_seconds", "How long ago a replica had all, as its leader here knows.", () =>
      lags().flatMap((lag) => (lag.seconds === undefined ? [] : [{ labels: labelsOf(lag), value: lag.seconds }])),
    ),
  ];
}

function clockFamily(clocks: () => readonly ClockNumbers[]): Family {
  return gauge("trefoil_clock_ahead_seconds", "How far the clock of another node is ahead of this one's.", () =>
    clocks().map(({ node, aheadMilliseconds }) => ({ labels: { node }, value: aheadMilliseconds / 1000 })),
  );
}

/** A disk that is full, one that takes nothing for another reason, one with damage; any other reason comes with its time. */
const unfitReasons: readonly ErrorCode[] = ["storage_full", "busy", "corruption"];

function unfitFamily(unfitness: () => ErrorCode | undefined): Family {
  return gauge(
    "trefoil_unfit",
    "1: the node cannot write its log or its engine, and leads nothing that others can.",
    () => {
      const present = unfitness();
      const reasons = new Set(present === undefined ? unfitReasons : [...unfitReasons, present]);
      return Array.from(reasons, (reason) => ({ labels: { reason }, value: reason === present ? 1 : 0 }));
    },
  );
}

/** Name without prefix, what it tells, how it is read. A name that ends in `_total` is a counter. */
type Row<Numbers> = readonly [string, string, (numbers: Numbers) => number];

function familiesOf<Numbers>(source: () => Numbers, rows: readonly Row<Numbers>[]): Family[] {
  return rows.map(([name, help, read]) => kindOf(name)(`trefoil_${name}`, help, () => single(read(source()))));
}

const kindOf = (name: string): typeof gauge => (name.endsWith("_total") ? counter : gauge);

const fsyncBoundsSeconds = durationBoundsMilliseconds.map((milliseconds) => milliseconds / 1000);

function logFamilies(log: () => LogStats): Family[] {
  const fsync: Family = {
    name: "trefoil_log_fsync_seconds",
    help: "How long making a batch durable took.",
    type: "histogram",
    read: () => {
      const { counts, sumMilliseconds } = log().counters.syncDuration;
      const sumSeconds = sumMilliseconds / 1000;
      return histogramSamples({}, { bounds: fsyncBoundsSeconds, counts, offset: 0, sumSeconds });
    },
  };
  const rows: readonly Row<LogStats>[] = [
    ["log_bytes", "The shared log on disk, which is the write-ahead log.", (stats) => stats.bytesOnDisk],
    ["log_segments", "Files of the log.", (stats) => stats.segments],
    ["log_cache_bytes", "Memory for the newest part of the log.", (stats) => stats.cacheBytes],
    ["log_unflushed_bytes", "Log since its oldest entry that is not flushed.", (stats) => stats.bytesSinceFlush],
    ["log_over_bound_bytes", "By how much the log is above its bound.", (stats) => stats.bytesOverBound],
    ["log_commits_total", "Batches written.", ({ counters }) => counters.commits],
    ["log_written_bytes_total", "Bytes of batches written.", ({ counters }) => counters.bytes],
    ["log_entries_total", "Entries written.", ({ counters }) => counters.entries],
    ["log_cache_hits_total", "Entries found in memory.", ({ counters }) => counters.cacheHits],
    ["log_cache_misses_total", "Entries read from a file.", ({ counters }) => counters.cacheMisses],
  ];
  return [...familiesOf(log, rows), fsync];
}

function engineFamilies(engine: () => EngineStats): Family[] {
  const byLevel = (value: (level: EngineStats["levels"][number]) => number) => (): readonly Sample[] =>
    engine().levels.map((numbers, level) => ({ labels: { level }, value: value(numbers) }));
  const [tablesByLevel, bytesByLevel, scores] = [
    byLevel(({ tables }) => tables),
    byLevel(({ bytes }) => bytes),
    byLevel(({ score }) => score),
  ];
  const rows: readonly Row<EngineStats>[] = [
    ["memtable_bytes", "Memory that memtables use.", (stats) => stats.memtableBytes],
    ["memtables_sealed", "Memtables that wait for their flush.", (stats) => stats.memtablesSealed],
    ["flushes_total", "Memtables flushed.", ({ flush }) => flush.flushes],
    ["flush_written_bytes_total", "Bytes that flushes wrote.", ({ flush }) => flush.bytesWritten],
    ["compaction_merges_total", "Merges of tables.", ({ compaction }) => compaction.merges],
    ["compaction_moves_total", "Tables moved unread.", ({ compaction }) => compaction.moves],
    ["compaction_read_bytes_total", "Bytes that merges read.", ({ compaction }) => compaction.bytesRead],
    ["compaction_written_bytes_total", "Bytes that merges wrote.", ({ compaction }) => compaction.bytesWritten],
    ["cache_hits_total", "Blocks found in the cache.", ({ blockCache }) => blockCache.hits],
    ["cache_misses_total", "Blocks that were not in the cache.", ({ blockCache }) => blockCache.misses],
    ["bloom_checks_total", "Lookups that asked a filter.", ({ reads }) => reads.filterChecks],
    ["bloom_avoided_total", "Lookups that a filter ended.", ({ reads }) => reads.filterAvoided],
    [
      "bloom_false_positives_total",
      "Lookups that a filter let pass for nothing.",
      ({ reads }) => reads.filterFalsePositives,
    ],
    ["engine_trouble", "1: the engine refuses writes.", ({ trouble }) => (trouble === undefined ? 0 : 1)],
  ];
  return [
    ...familiesOf(engine, rows),
    gauge("trefoil_sstable_count", "Tables.", tablesByLevel),
    gauge("trefoil_sstable_bytes", "Bytes of tables.", bytesByLevel),
    gauge("trefoil_compaction_score", "Above 1 a merge is due.", scores),
  ];
}

function salvageFamilies(salvage: () => SalvageNumbers): Family[] {
  return [
    counter(
      "trefoil_salvage_total",
      "Fast writes that a log lost, by what became of them; counted where the group is led.",
      () => {
        const numbers = salvage();
        return salvageOutcomes.map((outcome) => ({ labels: { outcome }, value: numbers[outcome] }));
      },
    ),
  ];
}

function snapshotFamilies(snapshots: () => readonly SnapshotNumbers[]): Family[] {
  return snapshotRows.map(([name, help, read]) =>
    kindOf(name)(`trefoil_${name}`, help, () =>
      snapshots().map((numbers) => ({ labels: { group: numbers.group }, value: read(numbers) })),
    ),
  );
}

const snapshotRows: readonly Row<SnapshotNumbers>[] = [
  ["snapshot_sending", "Snapshots on their way from here.", (numbers) => numbers.sending],
  ["snapshot_receiving", "Snapshots on their way to here.", (numbers) => numbers.receiving],
  ["snapshot_sent_bytes_total", "Bytes of snapshots sent.", (numbers) => numbers.sentBytes],
  ["snapshot_received_bytes_total", "Bytes of snapshots received.", (numbers) => numbers.receivedBytes],
  ["snapshot_made_total", "Snapshots begun to be sent, each to all who want one meanwhile.", (numbers) => numbers.made],
  ["snapshot_installed_total", "Snapshots installed.", (numbers) => numbers.installed],
];

const migrationRows: readonly Row<MigrationNumbers>[] = [
  ["migration_slots_moving", "Slots on their way between groups.", (numbers) => numbers.slotsMoving],
  ["migration_slots_moved_total", "Slots that have moved.", (numbers) => numbers.slotsMoved],
  ["migration_entries_total", "Records that moved with them.", (numbers) => numbers.entries],
];
