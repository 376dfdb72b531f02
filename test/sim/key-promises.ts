// What may be seen of one key, whoever uses it and how: by versions, without a search. What two clients are told at one moment has
// no order. A read sees what was written, and before it returns; what is in the log that counts is never lost from strong
// reads, nor seen again when something newer was there; a leader sees what it has answered; a replica sees what it says it
// has applied; nothing is seen long after its expiry.

import type { Version } from "../../internal/engine/cell.ts";
import type { JudgedBy } from "./checkers.ts";
import { compareKnown, versionName } from "./history.ts";
import type { HistoryEntry, Saw, Step } from "./history.ts";
import { Violation } from "./violation.ts";

interface Write {
  readonly entry: HistoryEntry;
  readonly step: Step;
  /** The least that it may have; undefined: nobody was told. */
  readonly version: Version | undefined;
  /** The answer is of the entry that took effect, or will. */
  readonly isCertain: boolean;
}

interface Read {
  readonly entry: HistoryEntry;
  readonly saw: Saw;
  readonly mode: string;
}

/** What a condition did not expect. */
interface Met {
  readonly entry: HistoryEntry;
  readonly version: Version | undefined;
}

/** Throws a Violation. `entries`: all that had to do with the key, in the order of their calls. */
export function checkKeyPromises(key: string, entries: readonly HistoryEntry[], by: JudgedBy): void {
  const writes: Write[] = [];
  const reads: Read[] = [];
  const met: Met[] = [];
  for (const entry of entries) {
    const { done, told } = entry;
    if (done.kind === "read") {
      if (told?.kind === "saw") reads.push({ entry, saw: told, mode: done.mode });
      continue;
    }
    const step = done.steps.find((each) => each.key === key);
    if (told?.kind === "refused" && done.steps[told.step]?.key === key) met.push({ entry, version: told.present });
    if (step === undefined || told?.kind === "refused") continue;
    const isRetried = done.mode === "fast" && entry.versions.length > 1;
    const version = told?.kind !== "done" ? undefined : isRetried ? entry.versions[0] : told.version;
    writes.push({ entry, step, version, isCertain: told !== undefined && !isRetried });
  }
  const judge = new KeyJudge(key, { writes, reads, met, by });
  for (const read of reads) {
    judge.isWritten(read);
    judge.isNotExpired(read);
    judge.isOfTheLeader(read);
    judge.isOfTheReplica(read);
    judge.isFresh(read);
    judge.isOfTheNode(read);
    if (by.remembersReads === true) judge.goesOn(read);
  }
  judge.strongViewGrows();
  judge.touchesFoundIt();
  judge.fatesAreTrue();
}

const stepsOf = ({ done }: HistoryEntry, key: string): readonly Step[] =>
  done.kind === "write" ? done.steps.filter((step) => step.key === key) : [];

const makes = ({ action }: Step): boolean => action !== "delete" && action !== "touch";

function greatestOf(all: readonly { readonly version: Version | undefined }[]): Version | undefined {
  let greatest: Version | undefined;
  for (const { version } of all) if (compareKnown(version, greatest) > 0) greatest = version;
  return greatest;
}

class KeyJudge {
  private readonly key: string;
  private readonly writes: readonly Write[];
  private readonly reads: readonly Read[];
  private readonly met: readonly Met[];
  private readonly by: JudgedBy;
  private readonly puts = new Map<string, number>();
  private readonly hasSums: boolean;

  constructor(
    key: string,
    parts: { writes: readonly Write[]; reads: readonly Read[]; met: readonly Met[]; by: JudgedBy },
  ) {
    this.key = key;
    this.writes = parts.writes;
    this.reads = parts.reads;
    this.met = parts.met;
    this.by = parts.by;
    for (const { entry, step } of this.writes) if (step.action === "put") this.puts.set(step.body, entry.calledAt);
    this.hasSums = this.writes.some(({ step }) => step.action === "increment" || step.action === "append");
  }

  /** By somebody, and not only later. A write that was refused, or is known to have had no effect, does not count. */
  isWritten({ entry, saw }: Read): void {
    if (saw.value === undefined || (this.hasSums && !this.puts.has(saw.value))) return;
    const at = this.puts.get(saw.value);
    if (at === undefined) this.fail("reads of what was written", `"${saw.value}" was seen and never written`);
    else if (at > entry.returnedAt)
      this.fail("reads of what was written", `"${saw.value}" was seen before it was written`);
  }

  isNotExpired({ entry, saw }: Read): void {
    if (saw.expiresAt === undefined || entry.calledAt < saw.expiresAt + this.by.clockError + 1) return;
    this.fail("expiry", `"${saw.value}" was seen at ${entry.calledAt}, and had expired at ${saw.expiresAt}`);
  }

  /** Whoever leads from the call to the answer shows all that it answered before. */
  isOfTheLeader(read: Read): void {
    const { entry } = read;
    if (entry.ledTerm === undefined) return;
    const mine = this.writes.filter(({ version, isCertain, entry: { told, returnedAt } }) => {
      // A request that another leader answered anew may be of its term as well.
      const isOwn = isCertain && told?.kind === "done" && told.at !== undefined;
      return isOwn && version?.term === entry.ledTerm && returnedAt < entry.calledAt;
    });
    this.sees(read, greatestOf(mine), "reads at the leader");
  }

  isOfTheReplica(read: Read): void {
    if (read.mode !== "session") return;
    for (const version of read.entry.versions) this.sees(read, version, "session reads");
  }

  /** A bounded read shows all that the group had when it says that it was fresh. */
  isFresh(read: Read): void {
    const { freshAt } = read.entry;
    if (freshAt === undefined) return;
    const written = this.writes.filter(({ entry }) => entry.done.mode === "strong" && entry.returnedAt < freshAt);
    const seen = this.reads.filter(({ mode, entry }) => mode === "strong" && entry.returnedAt < freshAt);
    this.sees(read, greatestOf([...written, ...seen.map(({ saw }) => saw)]), "bounded reads");
    this.sees(read, greatestOf(this.answeredByThePresentLeader(freshAt, read)), "bounded reads");
  }

  /** An own read shows what clients were answered by way of the same process, unless it was fast and its leader is gone. */
  isOfTheNode(read: Read): void {
    const { via, calledAt } = read.entry;
    if (via === undefined) return;
    const mine = this.writes.filter((write) => {
      const { entry } = write;
      if (entry.via !== via || entry.returnedAt >= calledAt) return false;
      return entry.done.mode === "strong" || this.isOfThePresentLeader(write, read);
    });
    this.sees(read, greatestOf(mine), "own reads");
  }

  /** Nor does it show less than reads by way of that process were shown before. */
  goesOn(read: Read): void {
    const { via, calledAt } = read.entry;
    if (via === undefined) return;
    const before = this.reads.filter(({ entry }) => entry.via === via && entry.returnedAt < calledAt);
    const lasting = before.filter(({ saw }) => this.isLasting(saw, read));
    const met = this.met.filter(({ entry }) => entry.via === via && entry.returnedAt < calledAt);
    this.sees(read, greatestOf([...lasting.map(({ saw }) => saw), ...met]), "own reads");
    const { version, expiresAt } = read.saw;
    // What a fast delete took away may come back, if its leader does not stay.
    const isDeletedFast = this.writes.some(({ entry, step }) => step.action === "delete" && entry.done.mode === "fast");
    if (version === undefined || expiresAt !== undefined || isDeletedFast) return;
    const gone = before.find(({ entry, saw }) => saw.value === undefined && this.wasKnown(version, entry));
    if (gone === undefined) return;
    this.fail(
      "own reads",
      `${this.nameOf(version)} was gone at ${gone.entry.calledAt}, and shown again at ${calledAt}`,
    );
  }

  /** Whatever becomes of leaders, it is there from then on: it was written strongly, or its leader has no successor yet. */
  private isLasting({ value, version }: Saw, { entry }: Read): boolean {
    if (version === undefined) return false;
    const isStrong = this.writes.some(({ step, entry: { done } }) => step.body === value && done.mode === "strong");
    return isStrong || !this.by.leaders.some(({ term, since }) => term > version.term && since <= entry.returnedAt);
  }

  /** By way of the same process, before a read. */
  private wasKnown(version: Version, { via, calledAt }: HistoryEntry): boolean {
    const isBefore = (entry: HistoryEntry): boolean => entry.via === via && entry.returnedAt < calledAt;
    const isSame = (other: Version | undefined): boolean => compareKnown(other, version) === 0;
    const isWritten = this.writes.some((write) => write.isCertain && isBefore(write.entry) && isSame(write.version));
    return isWritten || this.reads.some(({ entry, saw }) => isBefore(entry) && isSame(saw.version));
  }

  /** Strong reads and writes, in the order of time: versions never go back, and what was gone does not return. */
  strongViewGrows(): void {
    const reads = this.reads.filter(({ mode }) => mode === "strong");
    const strong = this.writes.filter(({ entry }) => entry.done.mode === "strong");
    for (const read of reads) {
      const { calledAt } = read.entry;
      const before = reads.filter(({ entry }) => entry.returnedAt < calledAt);
      const written = strong.filter(({ entry }) => entry.returnedAt < calledAt);
      this.sees(read, greatestOf([...written, ...before.map(({ saw }) => saw)]), "strong reads");
      const answered = this.answeredByThePresentLeader(calledAt, read);
      this.sees(read, greatestOf(answered), "strong reads of fast writes");
      for (const one of before) if (one.saw.value === undefined) this.isNotBack(read, one);
    }
  }

  /** A touch that took effect found its key: a strong read that found nothing is before a write that made it, or behind its end. */
  touchesFoundIt(): void {
    const absent = this.reads.filter(({ mode, saw }) => mode === "strong" && saw.value === undefined);
    for (const { entry: touch, step, version } of this.writes) {
      // One that was answered before took effect at some other time.
      if (step.action !== "touch" || stepsOf(touch, this.key).length > 1) continue;
      if (touch.told?.kind !== "done" || touch.told.at === undefined) continue;
      for (const { entry: read } of absent) {
        const isBefore = read.calledAt <= touch.returnedAt && this.mayComeBetween(read, touch, makes);
        const isBehind = touch.calledAt <= read.returnedAt && this.mayComeBetween(touch, read, this.ends(read));
        if (!isBefore && !isBehind)
          this.fail("gone and back", `nothing was seen beside ${this.nameOf(version)}, a touch`);
      }
    }
  }

  /** Whether one of these writes may have taken effect behind the first and before the second; lost ones come back at any time. */
  private mayComeBetween(
    first: HistoryEntry,
    second: HistoryEntry,
    isOne: (step: Step, at: number) => boolean,
  ): boolean {
    return this.writes.some(({ entry, isCertain }) => {
      const isOver = isCertain && entry.done.mode === "strong" && entry.returnedAt < first.calledAt;
      if (entry.calledAt > second.returnedAt || isOver) return false;
      return stepsOf(entry, this.key).some((step) => isOne(step, entry.calledAt));
    });
  }

  /** Writes behind which a key may be gone when a read returns. */
  private ends({ returnedAt }: HistoryEntry): (step: Step, at: number) => boolean {
    const until = returnedAt + 2 * this.by.clockError + 1;
    return ({ action, expiry }, at) =>
      action === "delete" || expiry === "keep" || (typeof expiry === "number" && at + expiry <= until);
  }

  /** Before `moment`, by who still led when the read was answered. */
  private answeredByThePresentLeader(moment: number, read: Read): Write[] {
    return this.writes.filter((write) => write.entry.returnedAt < moment && this.isOfThePresentLeader(write, read));
  }

  private isOfThePresentLeader({ version, isCertain }: Write, { entry: { returnedAt } }: Read): boolean {
    if (!isCertain || version === undefined) return false;
    return !this.by.leaders.some(({ term, since }) => term > version.term && since <= returnedAt);
  }

  /** What a strong read saw before another found nothing is not there again. */
  private isNotBack(read: Read, absent: Read): void {
    if (read.saw.version === undefined) return;
    const known = this.reads.some(
      ({ mode, saw, entry }) =>
        mode === "strong" &&
        entry.returnedAt < absent.entry.calledAt &&
        compareKnown(saw.version, read.saw.version) === 0,
    );
    if (known) this.fail("gone and back", `${this.nameOf(read.saw.version)} was gone, and was seen again`);
  }

  /** What took no effect is seen by no strong read; what did is there, unless something newer is. */
  fatesAreTrue(): void {
    const { fates } = this.by;
    const last = this.reads.findLast(({ mode }) => mode === "strong");
    for (const { mode, saw } of this.reads) {
      const fate = saw.version === undefined ? undefined : fates.get(versionName(saw.version));
      if (mode === "strong" && (fate === "lost" || fate === "superseded" || fate === "rejected")) {
        this.fail("fates", `${this.nameOf(saw.version)} is said to be ${fate}, and a strong read saw it`);
      }
    }
    if (last === undefined) return;
    for (const { version, isCertain, entry } of this.writes) {
      const fate = version === undefined ? undefined : fates.get(versionName(version));
      const counts =
        entry.done.mode === "strong" || fate === "committed" || fate === "salvaged" || fate === "superseded";
      if (isCertain && counts && entry.returnedAt < last.entry.calledAt) this.sees(last, version, "fates");
    }
  }

  /** The read shows `version` or something newer. */
  private sees(read: Read, version: Version | undefined, by: string): void {
    if (version === undefined) return;
    const { saw } = read;
    const isNewer =
      saw.value === undefined ? this.mayBeGone(version, read.entry) : compareKnown(saw.version, version) >= 0;
    if (isNewer) return;
    const what = saw.value === undefined ? "nothing" : this.nameOf(saw.version);
    this.fail(
      by,
      `${this.nameOf(version)} was there, and ${what} was seen by client ${read.entry.client} at ${read.entry.calledAt}`,
    );
  }

  /** Whether something that deletes, or lives for a time only, may have come at `version` or behind it. */
  private mayBeGone(version: Version, { returnedAt }: HistoryEntry): boolean {
    const { clockError } = this.by;
    return this.writes.some(({ entry, step, version: of, isCertain }) => {
      if (entry.calledAt > returnedAt) return false;
      if (isCertain && of !== undefined && compareKnown(of, version) < 0 && step.expiry !== "keep") return false;
      if (step.action === "delete" || step.expiry === "keep") return true;
      return typeof step.expiry === "number" && entry.calledAt + step.expiry <= returnedAt + 2 * clockError + 1;
    });
  }

  private nameOf(version: Version | undefined): string {
    return `${this.key} @${version === undefined ? "?" : versionName(version)}`;
  }

  private fail(by: string, what: string): void {
    throw new Violation(by, `${this.key}: ${what}`);
  }
}
