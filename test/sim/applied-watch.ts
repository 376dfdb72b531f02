// What replicas remember of the group beside users' records, as they apply: at one applied index all of them, whatever they
// went through, know the same; and the watermark only grows along the log.

import { utf8 } from "../../internal/base/bytes.ts";
import { hashBytes } from "../../internal/base/hash.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import type { GroupState } from "../../internal/replica/group-state.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { expectThat } from "./violation.ts";

/** At one in so many indexes all of it is compared, at the others how much there is. */
const thoroughEvery = 4;

/** The group at an index that some replica was the first to be seen at. */
export interface Look {
  readonly term: number;
  readonly index: number;
  readonly stamp: Stamp;
  readonly watermark: Stamp;
}

export class AppliedWatch {
  /** By index: what is remembered there, in words. */
  private readonly remembered = new Map<number, string>();
  /** Each further along the log than the one before. */
  private readonly looks: Look[] = [];

  /** Furthest along the log. */
  get furthest(): Look | undefined {
    return this.looks.at(-1);
  }

  /** The last look at an index below this one. */
  before(index: number): Look | undefined {
    return this.looks.findLast((look) => look.index < index);
  }

  /** The first look at this index or behind it. */
  atLeast(index: number): Look | undefined {
    const at = this.looks.findLastIndex((look) => look.index < index);
    return this.looks[at + 1];
  }

  /** A replica has applied more, or something else. True: it is further than any was before. */
  applied(id: number, { state }: Pick<Replica, "state">): boolean {
    const { last, watermark } = state;
    const what = last.index % thoroughEvery === 0 ? rememberedBy(state) : countsOf(state);
    const known = this.remembered.get(last.index) ?? what;
    expectThat(known === what, "equal memory of the group", () => {
      return `at ${last.index} node ${id} has ${what}; another had ${known}`;
    });
    this.remembered.set(last.index, what);
    const { furthest } = this;
    if (furthest !== undefined && last.index <= furthest.index) return false;
    const grows = furthest === undefined || watermark >= furthest.watermark;
    expectThat(grows, "the watermark grows", () => {
      return `${furthest?.watermark} at ${furthest?.index}, and at ${last.index} of node ${id} ${watermark}`;
    });
    this.looks.push({ term: last.term, index: last.index, stamp: last.stamp, watermark });
    return true;
  }
}

function countsOf({ watermark, boundaries, answered, slots, configuration }: GroupState): string {
  const counts = `${boundaries.length} terms, ${answered.size} answers, ${slots.sealedCount} sealed slots`;
  return `watermark ${watermark}, ${counts}, configuration of ${configuration.index}`;
}

function rememberedBy(state: GroupState): string {
  const { boundaries, answered, slots, departures, configuration } = state;
  const ends = boundaries.map(({ term, index, stamp }) => `${term}.${index} ${stamp}`);
  const parts = [
    countsOf(state),
    `the last term ended at ${ends.at(-1) ?? "none"}, terms ${hashOf(ends.join())}`,
    `answers ${hashOf([...answered].join())}, slots ${slots.known.map((slot) => `${slot}: ${slots.encode(slot)?.join()}`).join("; ")}`,
    `departures ${departures.encode().join()}, members ${JSON.stringify(configuration.configuration)}`,
  ];
  return parts.join("; ");
}

function hashOf(text: string): number {
  const bytes = utf8(text);
  return hashBytes(bytes, 0, bytes.length);
}
