// Who belongs to a group. A configuration takes effect when it is appended to a log, committed or not, and goes again when it
// is truncated; this is what the paper proves. While replicas are exchanged two sets of voters stand side by side
// (joint consensus), and whatever is decided needs a majority of each.
//
// As the payload of an entry (numbers little endian):
//
//   0 format u8 (1) | 1 voters u8 | 2 outgoing u8 | 3 learners u8 | 4 ids, u32 each, in that order

import { assert } from "../base/assert.ts";
import { readU32, writeU32 } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { nobody, replicaId } from "../base/ids.ts";
import type { LogIndex, ReplicaId } from "../base/ids.ts";

/** A group has exactly this many voters; more only while one set of them takes over from another. */
const votersCount = 3;
const learnersMax = 8;

export interface Configuration {
  /** In a joint configuration: those who come. Sorted. */
  readonly voters: readonly ReplicaId[];
  /** In a joint configuration: those who were voters before it. Otherwise empty. */
  readonly outgoing: readonly ReplicaId[];
  /** Receive the log, and neither vote nor count. */
  readonly learners: readonly ReplicaId[];
}

export function configuration(
  voters: readonly ReplicaId[],
  learners: readonly ReplicaId[] = [],
  outgoing: readonly ReplicaId[] = [],
): Configuration {
  const made = { voters: sorted(voters), outgoing: sorted(outgoing), learners: sorted(learners) };
  const fault = faultOf(made);
  assert(fault === undefined, "a configuration that cannot be", { fault });
  return made;
}

export const isJoint = (config: Configuration): boolean => config.outgoing.length > 0;

export const isVoter = (config: Configuration, id: ReplicaId): boolean =>
  config.voters.includes(id) || config.outgoing.includes(id);

export const isMember = (config: Configuration, id: ReplicaId): boolean =>
  isVoter(config, id) || config.learners.includes(id);

/** Everybody, once. */
export function membersOf(config: Configuration): readonly ReplicaId[] {
  return sorted(new Set([...config.voters, ...config.outgoing, ...config.learners]));
}

export function sameReplicas(left: readonly ReplicaId[], right: readonly ReplicaId[]): boolean {
  return left.length === right.length && left.every((id) => right.includes(id));
}

/** Why this is no configuration, or undefined. */
export function faultOf(config: Configuration): string | undefined {
  const { voters, outgoing, learners } = config;
  if (voters.length !== votersCount) return `${voters.length} voters instead of ${votersCount}`;
  if (outgoing.length !== 0 && outgoing.length !== votersCount) return `${outgoing.length} outgoing voters`;
  if (learners.length > learnersMax) return `more than ${learnersMax} learners`;
  for (const ids of [voters, outgoing, learners]) {
    for (let at = 0; at < ids.length; at++) {
      const id = ids[at] as ReplicaId;
      if (!Number.isInteger(id) || id <= nobody || id > 0xffff_ffff) return `replica ${id}`;
      if (at > 0 && id <= (ids[at - 1] as ReplicaId)) return `replica ${id} twice or out of order`;
    }
  }
  const both = learners.find((id) => isVoter(config, id));
  if (both !== undefined) return `replica ${both} is a voter and a learner`;
  return undefined;
}

export function encodeConfiguration(config: Configuration): Uint8Array {
  const lists = [config.voters, config.outgoing, config.learners];
  const ids = lists.flat();
  const bytes = new Uint8Array(headerBytes + 4 * ids.length);
  bytes[0] = format;
  lists.forEach((list, which) => (bytes[1 + which] = list.length));
  ids.forEach((id, which) => writeU32(bytes, headerBytes + 4 * which, id));
  return bytes;
}

/** Throws `corruption` for bytes that are no configuration. */
export function decodeConfiguration(bytes: Uint8Array): Configuration {
  if (bytes.length < headerBytes || bytes[0] !== format) throw corruption("a configuration in an unknown format");
  const counts = [bytes[1] as number, bytes[2] as number, bytes[3] as number];
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (bytes.length !== headerBytes + 4 * total) throw corruption(`a configuration of ${bytes.length} bytes`);
  let at = headerBytes;
  const lists = counts.map((count) => {
    const ids = Array.from({ length: count }, (_, which) => replicaId(readU32(bytes, at + 4 * which)));
    at += 4 * count;
    return ids;
  });
  const [voters = [], outgoing = [], learners = []] = lists;
  const made = { voters, outgoing, learners };
  const fault = faultOf(made);
  if (fault !== undefined) throw corruption(`a configuration with ${fault}`);
  return made;
}

export interface ConfigurationAt {
  /** Of the entry that brought it; 0 for the first one. */
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/** The configurations of a log: the newest committed one and those behind it, which may yet be truncated. */
export class Configurations {
  private stack: ConfigurationAt[];

  /** REQUIRES: by index ascending, at least one. */
  constructor(known: readonly ConfigurationAt[]) {
    assert(known.length > 0, "a group without a configuration");
    this.stack = [...known];
  }

  /** The newest, which counts. */
  get newest(): ConfigurationAt {
    return this.stack.at(-1) as ConfigurationAt; // never empty
  }

  /** The newest that is committed, as far as settle() was told. */
  get committed(): ConfigurationAt {
    return this.stack[0] as ConfigurationAt; // never empty
  }

  append(index: LogIndex, config: Configuration): void {
    assert(index > this.newest.index, "configurations out of order", { index, newest: this.newest.index });
    this.stack.push({ index, configuration: config });
  }

  /** True when another one counts now. */
  truncateFrom(index: LogIndex): boolean {
    const before = this.stack.length;
    this.stack = this.stack.filter((known) => known.index < index);
    assert(this.stack.length > 0, "the last committed configuration truncated", { index });
    return this.stack.length !== before;
  }

  /** Entries up to `commit` cannot go any more: of their configurations only the last can matter. */
  settle(commit: LogIndex): void {
    while (this.stack.length > 1 && (this.stack[1] as ConfigurationAt).index <= commit) this.stack.shift();
  }

  restore(known: ConfigurationAt): void {
    this.stack = [known];
  }
}

const format = 1;
const headerBytes = 4;

function sorted(ids: Iterable<ReplicaId>): ReplicaId[] {
  return Array.from(ids).sort((left, right) => left - right);
}
