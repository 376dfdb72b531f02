// One page of keys from the records of all groups. Each group is asked for about its share of a page, and for more when that is used up:
// what is fetched stays within a few pages however many groups there are, and nothing is sorted that is not told.
//
//   group 1: a d g | ?        the next key of all is the least of those at the front; behind what was fetched of a group nothing
//   group 2: b c   | ?        is known: when the page gets there (here behind c), that group is asked for more
//   group 3: e f h .

import { compareBytes } from "../base/bytes.ts";
import { millisecondsOfStamp, neverExpires } from "../base/stamp.ts";
import type { ScannedPage, ScannedRecord } from "../replica/scan.ts";
import { pageBytesMax } from "./pages.ts";
import type { ListAnswer, ListedRecord, ListRequest } from "./requests.ts";
import { contentOf } from "./stored.ts";

export interface PieceBounds {
  readonly limit: number;
  readonly bytesMax: number;
}

/** The records of one group behind a key, at most so many. */
export type NextPiece = (after: Uint8Array | undefined, bounds: PieceBounds) => Promise<ScannedPage>;

type Page = Pick<ListAnswer, "records" | "cursor">;

/** How many shares of a page a group is asked for at first. Keys lie evenly, so that hardly any group has to be asked again. */
const sharesAtFirst = 2;
/** What is fetched of all groups at first, but for a last record of each, which may go beyond its share. */
export const fetchedBytesMost = sharesAtFirst * pageBytesMax;
const spareRecords = 4;
const pieceBytesLeast = 64 * 1024;
/** From one piece of a group to the next: its keys lie together, as those of one tag do. */
const growth = 4;
/** Then others get their turns. */
const recordsATurn = 1000;
/** Then the page ends early, and its cursor goes on. */
const morePiecesMax = 16;

export async function mergedPage(
  groups: readonly NextPiece[],
  { limit, cursor, withValues }: Pick<ListRequest, "limit" | "cursor" | "withValues">,
  nextTurn: () => Promise<void>,
): Promise<Page> {
  const first = firstBounds(limit, groups.length);
  const runs = groups.map((next) => new Run(next, cursor, first));
  await Promise.all(runs.map((run) => run.fetch(limit, pageBytesMax)));
  const front = new Front(runs);
  const records: ListedRecord[] = [];
  let [bytes, morePieces] = [0, 0];
  for (let run = front.least; run !== undefined; run = front.least) {
    const record = run.next;
    const size = record === undefined ? 0 : record.key.length + (record.payload?.length ?? 0);
    if (records.length === limit || (records.length > 0 && bytes + size > pageBytesMax)) {
      return { records, cursor: records.at(-1)?.key };
    }
    if (record !== undefined) {
      records.push(listed(record, withValues));
      bytes += size;
      run.take();
      if (records.length % recordsATurn === 0) await nextTurn();
    } else {
      if (morePieces === morePiecesMax) return { records, cursor: run.key };
      morePieces++;
      await run.fetch(limit - records.length, pageBytesMax - bytes);
    }
    front.moved();
  }
  return { records, cursor: undefined };
}

function firstBounds(limit: number, groups: number): PieceBounds {
  const shares = sharesAtFirst / groups;
  return {
    limit: Math.ceil(limit * shares) + spareRecords,
    bytesMax: Math.max(pieceBytesLeast, Math.ceil(pageBytesMax * shares)),
  };
}

/** What is known of one group behind the page, as far as that goes. */
class Run {
  /** At the front: of its next record, or, where that is not known, the last one that it is known up to; undefined: it is at its end. */
  key: Uint8Array | undefined;
  private readonly fetchNext: NextPiece;
  private after: Uint8Array | undefined;
  private bounds: PieceBounds;
  private piece: ScannedPage = { records: [], hasMore: true, end: undefined };
  private at = 0;

  constructor(fetchNext: NextPiece, after: Uint8Array | undefined, bounds: PieceBounds) {
    this.fetchNext = fetchNext;
    this.after = after;
    this.bounds = bounds;
  }

  get next(): ScannedRecord | undefined {
    return this.piece.records[this.at];
  }

  take(): void {
    this.at++;
    this.key = this.next?.key ?? this.piece.end;
  }

  /** More of it, and not more than that. */
  async fetch(limitMost: number, bytesMost: number): Promise<void> {
    const { limit, bytesMax } = this.bounds;
    this.bounds = { limit: limit * growth, bytesMax: bytesMax * growth };
    const most = { limit: Math.min(limit, limitMost), bytesMax: Math.max(1, Math.min(bytesMax, bytesMost)) };
    this.piece = await this.fetchNext(this.after, most);
    this.at = 0;
    this.after = this.piece.end;
    this.key = this.next?.key ?? this.piece.end;
  }
}

/** Of all runs that are not at their end the one with the least key: a binary heap, each above the two at twice its place. */
class Front {
  private readonly heap: Run[];

  constructor(runs: readonly Run[]) {
    this.heap = runs.filter(({ key }) => key !== undefined);
    for (let at = this.heap.length >> 1; at >= 0; at--) this.sink(at);
  }

  get least(): Run | undefined {
    return this.heap[0];
  }

  /** The least one has another key, or is at its end. */
  moved(): void {
    if (this.heap[0]?.key === undefined) {
      const last = this.heap.pop();
      if (last !== undefined && this.heap.length > 0) this.heap[0] = last;
    }
    this.sink(0);
  }

  private sink(from: number): void {
    const { heap } = this;
    for (let at = from; ;) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2]) if (isBefore(heap[below], heap[least])) least = below;
      if (least === at) return;
      [heap[at], heap[least]] = [heap[least] as Run, heap[at] as Run];
      at = least;
    }
  }
}

const isBefore = (one: Run | undefined, other: Run | undefined): boolean =>
  one?.key !== undefined && other?.key !== undefined && compareBytes(one.key, other.key) < 0;

function listed({ key, version, expiry, payload }: ScannedRecord, withValues: boolean): ListedRecord {
  const content = payload && contentOf(payload);
  const expiresAt = expiry === neverExpires ? undefined : millisecondsOfStamp(expiry);
  return {
    key,
    version,
    expiresAt,
    contentType: content?.contentType ?? "",
    value: withValues ? content?.value : undefined,
  };
}
