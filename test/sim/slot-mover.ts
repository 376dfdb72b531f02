// Slots that leave the group and come back, as in a move between groups (rule 25): a slot is sealed; when all replicas have the
// seal and keep nothing it is closed; then it is opened again. While a slot of the filler's keys is closed, records
// come in as from the group that owned it meanwhile, some of them older than what came before; it opens in a later term only.
//
//   seal  --all have it, none keeps salvage-->  close  --> ( load )*  -->  open

import { utf8 } from "../../internal/base/bytes.ts";
import { logIndex, term } from "../../internal/base/ids.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { neverExpires } from "../../internal/base/stamp.ts";
import type { Version } from "../../internal/engine/cell.ts";
import type { ForeignWrite } from "../../internal/replica/merge.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { Proposed } from "../../internal/replica/write-answers.ts";
import { slotOf } from "../../internal/ring/slots.ts";
import { compareKnown, versionName } from "./history.ts";
import type { History } from "./history.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { Trace } from "./trace.ts";
import { expectThat } from "./violation.ts";

const stepMilliseconds = 500;
const patienceMilliseconds = 3000;
/** Longer than any turn: what a pause held back is asked for no more. */
const turnMilliseconds = 100;
const keys = ["s0", "s1", "s2", "f0", "f1", "m0", "s0/a", "s1/b", "f0/a", "m0/b", "z0", "z1", "z2", "z3"];

interface Sealed {
  readonly key: string;
  readonly seal: Version;
  /** Of an `open` that may take effect. */
  open: Version | undefined;
}

export class SlotMover {
  isStopped = false;
  private readonly cluster: SimCluster;
  private readonly random: Prng;
  private readonly trace: Trace | undefined;
  private readonly all: Sealed[] = [];
  private present: Sealed | undefined;
  /** Keys of which nobody knows whether their seal took effect, by the seal; without one: they are being opened to be sure. */
  private readonly doubtful = new Map<string, object | undefined>();
  private isClosed = false;
  private isBusy = false;
  private loads = 0;

  constructor(cluster: SimCluster, random: Prng, trace: Trace | undefined) {
    this.cluster = cluster;
    this.random = random;
    this.trace = trace;
  }

  begin(): void {
    this.cluster.time.after(this.random.between(1, 2 * stepMilliseconds), () => {
      if (this.isStopped) return;
      if (!this.isBusy) this.step();
      this.begin();
    });
  }

  /** Throws a Violation when a client was told of a write that came behind a seal. */
  judge(history: History): void {
    for (const { done, told } of history.entries) {
      if (done.kind !== "write" || told?.kind !== "done") continue;
      const { version } = told;
      for (const { key, seal, open } of this.all) {
        const isHeld = compareKnown(seal, version) < 0 && (open === undefined || compareKnown(version, open) < 0);
        const isRight = !isHeld || done.steps.every((step) => slotOfKey(step.key) !== slotOfKey(key));
        expectThat(isRight, "sealed slots take no writes", () => {
          return `${versionName(version)} wrote to the slot of ${key}, sealed by ${versionName(seal)}`;
        });
      }
    }
  }

  private step(): void {
    const { present, random } = this;
    const [doubtful] = this.doubtful.keys();
    if (doubtful !== undefined) return this.reopen(doubtful);
    if (present === undefined) return this.seal(random.pick(keys));
    const isForeign = present.key.startsWith("z");
    if (!this.isClosed) return this.close(present);
    if (isForeign && (this.loads === 0 || random.chance(1, 2))) return this.load(present);
    this.open(present, isForeign ? present.seal.term : 0);
  }

  private reopen(key: string): void {
    // Should the seal turn out to have taken effect, it is no seal to count on any more.
    this.doubtful.set(key, undefined);
    this.propose(
      `open ${key}`,
      (replica) => replica.proposeSlots({ mode: "open", above: term(0), slots: [slotOfKey(key)] }),
      () => {
        // The answer may come after another open was answered, and the next seal of the key was tried.
        if (this.doubtful.get(key) === undefined) this.doubtful.delete(key);
      },
    );
  }

  private seal(key: string): void {
    const attempt = {};
    this.propose(
      `seal ${key}`,
      (replica) => replica.proposeSlots({ mode: "seal", above: term(0), slots: [slotOfKey(key)] }),
      (seal) => {
        if (this.doubtful.get(key) !== attempt) return;
        this.doubtful.delete(key);
        this.present = { key, seal, open: undefined };
        this.all.push(this.present);
        this.isClosed = false;
        this.loads = 0;
        this.cluster.sightings.note("slot sealed");
      },
      () => this.doubtful.set(key, attempt),
    );
  }

  private close(sealed: Sealed): void {
    const { key, seal } = sealed;
    if (this.cluster.leader?.replica?.isWithAll(seal.index) !== true) return;
    this.propose(
      `close ${key}`,
      (replica) => replica.proposeSlots({ mode: "close", above: term(0), slots: [slotOfKey(key)] }),
      () => {
        if (this.present === sealed) this.isClosed = true;
      },
    );
  }

  private open(sealed: Sealed, above: number): void {
    this.propose(
      `open ${sealed.key}`,
      (replica) => replica.proposeSlots({ mode: "open", above: term(above), slots: [slotOfKey(sealed.key)] }),
      () => {
        // The answer may come after that to another open of it.
        if (this.present === sealed) this.present = undefined;
        this.cluster.sightings.note("slot opened");
      },
      (version) => (sealed.open ??= version),
    );
  }

  /** Two records of the key, of the group that had the slot meanwhile: one is older than what came in before. */
  private load({ key, seal }: Sealed): void {
    const at = ++this.loads;
    const record = (version: Version): ForeignWrite => ({
      version,
      request: undefined,
      isDelete: false,
      key: utf8(key),
      payload: utf8(`\0load ${key} ${versionName(version)}`),
      expiry: neverExpires,
    });
    const first = seal.index + 1_000_000;
    const newer = record({ term: seal.term, index: logIndex(first + 2 * at) });
    // Than what came in before, if anything did.
    const older = record({ term: seal.term, index: logIndex(first + 2 * at - 3) });
    this.propose(
      `load ${key}`,
      (replica) => replica.proposeLoad({ since: seal.index, writes: [newer, older] }),
      () => this.cluster.sightings.note("records loaded"),
    );
  }

  /** To whoever leads, in its next turn, unless its process stands still; `tookEffect` when it did. */
  private propose(
    what: string,
    make: (replica: Replica) => Proposed,
    tookEffect: (version: Version) => void,
    accepted: (version: Version) => void = () => undefined,
  ): void {
    const { leader } = this.cluster;
    if (leader?.replica === undefined || leader.clock.isPaused) return;
    const { id, life, clock } = leader;
    const begun = this.cluster.time.now;
    this.isBusy = true;
    const goOn = (): void => void (this.isBusy = false);
    this.cluster.time.after(patienceMilliseconds, goOn);
    clock.live(() => {
      const isLate = this.cluster.time.now > begun + turnMilliseconds;
      const proposed = leader.replica === undefined || isLate ? undefined : make(leader.replica);
      if (proposed?.kind !== "accepted") return goOn();
      const { version, outcome } = proposed;
      const command = `${what} as ${versionName(version)} at node ${id}`;
      this.note(command);
      accepted(version);
      void outcome.then(({ kind }) => {
        this.note(`${command}: ${kind}`);
        goOn();
        if (kind === "done" && life === leader.life) tookEffect(version);
      });
    });
  }

  private note(what: string): void {
    this.trace?.note(this.cluster.time.now, what);
  }
}

const slotOfKey = (key: string): number => slotOf(utf8(key), 0, utf8(key).length);
