// What replicas remember of the group beside users' records, as they apply: at one applied index all of them, whatever they
// went through, know the same; and the watermark only grows along the log.

import type { Stamp } from "../../internal/base/stamp.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { expectThat } from "./violation.ts";

/** The group at an index that some replica was the first to be seen at. */
export interface Look {
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

  /** A replica has applied more, or something else. True: it is further than any was before. */
  applied(id: number, { state }: Replica): boolean {
    const { last, watermark, boundaries, answered, sealed, closed, configuration } = state;
    const what =
      `watermark ${watermark}, ${boundaries.length} terms, ${answered.size} answers, ` +
      `${sealed.size} sealed slots, ${closed.size} closed, configuration of ${configuration.index}`;
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
    this.looks.push({ index: last.index, stamp: last.stamp, watermark });
    return true;
  }
}
