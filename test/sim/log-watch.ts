// Logs of replicas, compared as they grow: two that have an entry of one term at one index have the same entry, byte for byte,
// and the same before it; who begins to lead has all that was committed in terms before its own; and a configuration has
// three voters.

import { hashBytes } from "../../internal/base/hash.ts";
import { logIndex } from "../../internal/base/ids.ts";
import type { LogIndex } from "../../internal/base/ids.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import type { RecordSlot } from "../../internal/log/record.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { simGroup } from "./sim-node.ts";
import type { SimNode } from "./sim-node.ts";
import { expectThat } from "./violation.ts";

interface Commit {
  readonly index: LogIndex;
  readonly term: number;
  /** The term of the first replica that was seen to know of it. */
  readonly inTerm: number;
}

export class LogWatch {
  private readonly cluster: SimCluster;
  private readonly ends = new Map<number, string>();
  /** By term and index: the hash of the entry as it was first seen. */
  private readonly entries = new Map<string, number>();
  /** Of each log since it was opened: the terms of the entries that were looked at, by index. */
  private readonly looked = new WeakMap<GroupLog, Map<number, number>>();
  private readonly slot: RecordSlot = { bytes: new Uint8Array(0), start: 0, end: 0 };
  /** Of each term in which something was committed, the last of it. */
  private readonly commits = new Map<number, Commit>();
  private committed = 0;

  constructor(cluster: SimCluster) {
    this.cluster = cluster;
  }

  check(node: SimNode): void {
    const log = node.log?.group(simGroup);
    const status = node.replica?.status;
    if (log === undefined || status === undefined || node.disk.isDamaged) return;
    checkVoters(node.id, node.replica?.status.configuration);
    const end = `${log.lastTerm}.${log.lastIndex}`;
    if (this.ends.get(node.id) !== end) {
      this.ends.set(node.id, end);
      this.checkEntries(node.id, log);
      for (const other of this.cluster.nodes.values()) {
        const theirs = other === node || other.disk.isDamaged ? undefined : other.log?.group(simGroup);
        if (theirs !== undefined) checkMatch(node.id, log, theirs);
      }
    }
    this.noteCommit(log, status.term, Math.min(status.commit, log.lastIndex));
  }

  /** It leads in a term of which no leader was seen before. */
  leads(node: SimNode, term: number): void {
    const log = node.log?.group(simGroup);
    if (log === undefined) return;
    for (const { index, term: of, inTerm } of this.commits.values()) {
      if (inTerm >= term || index < log.base.index) continue;
      const has = log.termOf(index);
      expectThat(has === of, "leaders have what was committed", () => {
        return `node ${node.id} leads term ${term}; at ${index}, committed in term ${inTerm}, it has term ${has}, not ${of}`;
      });
    }
  }

  /** Those that are new, as far as they are in memory. */
  private checkEntries(node: number, log: GroupLog): void {
    const { slot, entries } = this;
    const looked = this.looked.get(log) ?? new Map<number, number>();
    this.looked.set(log, looked);
    for (let index: number = log.lastIndex; index >= log.firstIndex; index--) {
      const term = log.termOf(logIndex(index));
      if (term === undefined || looked.get(index) === term || !log.find(logIndex(index), slot)) return;
      looked.set(index, term);
      const name = `${term}.${index}`;
      const hash = hashBytes(slot.bytes, slot.start, slot.end);
      const isSame = (entries.get(name) ?? hash) === hash;
      expectThat(isSame, "logs match", () => `node ${node} has another entry ${name} than was seen before`);
      entries.set(name, hash);
    }
  }

  private noteCommit(log: GroupLog, inTerm: number, commit: number): void {
    if (commit <= this.committed) return;
    const term = log.termOf(logIndex(commit));
    if (term === undefined) return;
    this.committed = commit;
    this.commits.set(inTerm, { index: logIndex(commit), term, inTerm });
  }
}

export function checkVoters(node: number, configuration: Configuration | undefined): void {
  const { voters, outgoing } = configuration ?? { voters: [], outgoing: [] };
  const isRight = voters.length === 3 && (outgoing.length === 0 || outgoing.length === 3);
  const inWords = (): string => `node ${node} has the voters ${voters.join()} and, leaving, ${outgoing.join()}`;
  expectThat(isRight, "three voters", inWords);
}

/** The last entry that both logs have; undefined: they share none. */
export function lastAgreed(mine: GroupLog, theirs: GroupLog): LogIndex | undefined {
  const first = Math.max(mine.firstIndex, theirs.firstIndex);
  let last = Math.min(mine.lastIndex, theirs.lastIndex);
  for (const start of startsOf(mine, theirs)) {
    if (last < first || !differ(mine, theirs, last)) break;
    if (start <= last) last = start - 1;
  }
  return last < first || differ(mine, theirs, last) ? undefined : logIndex(last);
}

/** Where a term begins in either, from the last on. */
function startsOf(mine: GroupLog, theirs: GroupLog): number[] {
  const starts = [...mine.termRuns, ...theirs.termRuns].map(({ start }): number => start);
  return starts.sort((left, right) => right - left);
}

const differ = (mine: GroupLog, theirs: GroupLog, index: number): boolean =>
  mine.termOf(logIndex(index)) !== theirs.termOf(logIndex(index));

function checkMatch(id: number, mine: GroupLog, theirs: GroupLog): void {
  const last = lastAgreed(mine, theirs);
  if (last === undefined) return;
  const first = Math.max(mine.firstIndex, theirs.firstIndex);
  for (const start of startsOf(mine, theirs)) {
    if (start > last || start < first) continue;
    expectThat(
      !differ(mine, theirs, start),
      "logs match",
      () => `node ${id} agrees with another at ${last}, and not at ${start}`,
    );
  }
}
