// Scans: everything in order, as fast as it is taken and no faster, until the end or whatever comes between.

import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import type { ClientReadableStream } from "@grpc/grpc-js";
import { utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { sealCursor } from "../node/cursors.ts";
import type { ListRequest } from "../node/requests.ts";
import { refusedOf } from "../../test/kv/client.ts";
import type { Fields, Refused } from "../../test/kv/client.ts";
import { KvRig, until } from "../../test/kv/rig.ts";
import type { KvLimits } from "./limits.ts";

interface Scanned {
  readonly pages: Fields[];
  readonly refused: Refused | undefined;
}

function whole(stream: ClientReadableStream<Fields>): Promise<Scanned> {
  return new Promise((resolve) => {
    const pages: Fields[] = [];
    stream.on("data", (page: Fields) => pages.push(page));
    stream.on("end", () => resolve({ pages, refused: undefined }));
    stream.on("error", (failure) => resolve({ pages, refused: refusedOf(failure) }));
  });
}

const recordsOf = (pages: readonly Fields[]): Fields[] => pages.flatMap((page) => (page["records"] ?? []) as Fields[]);
const keysOf = (pages: readonly Fields[]): string[] => recordsOf(pages).map(({ key }) => String(key));

describe("scan", () => {
  let rig: KvRig;
  let asked: ListRequest[];
  afterEach(async () => {
    await rig.close();
    assert.deepEqual(rig.unexpected, []);
  });

  /** `count` records "k000", "k001", … of so many bytes. */
  async function open(limits: Partial<KvLimits>, count: number, valueBytes = 1): Promise<string[]> {
    rig = await KvRig.open(limits);
    const keys = Array.from({ length: count }, (_, at) => `k${String(at).padStart(3, "0")}`);
    for (const key of keys) rig.coordinator.place(utf8(key), new Uint8Array(valueBytes).fill(1), "a/b");
    asked = [];
    const list = rig.coordinator.list.bind(rig.coordinator);
    rig.coordinator.list = (request, caller) => {
      asked.push(request);
      return list(request, caller);
    };
    return keys;
  }

  it("brings all keys in order, page by page, each with what there is of it", async () => {
    const keys = await open({ pageRecordsMax: 3 }, 8);
    rig.coordinator.place(utf8("other"), utf8("x"), "");
    const { pages, refused } = await whole(rig.first.stream("Scan", { prefix: utf8("k") }));
    assert.equal(refused, undefined);
    assert.deepEqual(keysOf(pages), keys);
    assert.ok(
      asked.every(({ mayWait }) => mayWait),
      "a page is refused where it could wait for its turn",
    );
    assert.deepEqual(
      pages.map(({ consistency, node }) => [consistency, node]),
      Array.from({ length: 3 }, () => ["CONSISTENCY_FAST", "n1"]),
    );
    assert.deepEqual(
      pages.map((page) => "cursor" in page),
      [true, true, false],
    );
    const [first] = recordsOf(pages);
    assert.deepEqual(Object.keys(first ?? {}).toSorted(), ["content_type", "key", "version"]);
    const strong = await whole(
      rig.first.stream("Scan", { with_values: true, consistency: "CONSISTENCY_STRONG", limit: 2 }),
    );
    assert.deepEqual(
      recordsOf(strong.pages).map((record) => [String(record["key"]), record["value"], record["content_type"]]),
      [
        ["k000", Buffer.of(1), "a/b"],
        ["k001", Buffer.of(1), "a/b"],
      ],
    );
    assert.equal(strong.pages[0]?.["consistency"], "CONSISTENCY_STRONG");
  });

  it("of nothing is one empty page", async () => {
    await open({}, 0);
    const { pages } = await whole(rig.first.stream("Scan", {}));
    assert.deepEqual(pages, [{ consistency: "CONSISTENCY_FAST", node: "n1" }]);
  });

  it("goes on from the cursor of any page, and asks for no more than its limit", async () => {
    const keys = await open({ pageRecordsMax: 3 }, 8);
    const { pages } = await whole(rig.first.stream("Scan", { limit: 5 }));
    assert.deepEqual(keysOf(pages), keys.slice(0, 5));
    assert.deepEqual(
      asked.map(({ limit }) => limit),
      [3, 2],
    );
    for (const [at, { cursor }] of pages.entries()) {
      const rest = await whole(rig.first.stream("Scan", { cursor }));
      assert.deepEqual(keysOf(rest.pages), keys.slice(at === 0 ? 3 : 5));
      const elsewhere = await rig.first.refused("Scan", { cursor, prefix: utf8("l") });
      assert.match(elsewhere.details, /this cursor is of a listing under another prefix/);
    }
  });

  it("cuts a large page into messages that clients take, with the cursor in the last", async () => {
    const keys = await open({ pageBytesMax: 100_000 }, 10, 40_000);
    const { pages } = await whole(rig.first.stream("Scan", { with_values: true }));
    assert.deepEqual(keysOf(pages), keys);
    assert.deepEqual(
      pages.map((page) => recordsOf([page]).length),
      [2, 2, 2, 2, 2],
    );
    assert.equal(asked.length, 1);
    await rig.close();
    await open({ pageBytesMax: 1000, pageRecordsMax: 2 }, 3, 40_000);
    const single = await whole(rig.first.stream("Scan", { with_values: true }));
    assert.deepEqual(
      single.pages.map((page) => [recordsOf([page]).length, "cursor" in page]),
      [
        [1, false],
        [1, true],
        [1, false],
      ],
    );
  });

  it("waits for a reader that does not read, holding one page", async () => {
    const keys = await open({ pageRecordsMax: 1 }, 100, 500_000);
    const stream = rig.first.stream("Scan", { with_values: true });
    const taken = new Promise<Scanned>((resolve) => {
      stream.once("readable", () => {
        // What a client reads ahead by itself; the rest of the turns would be enough for all pages.
        void (async () => {
          for (let turn = 0; turn < 50; turn++) await rig.call("Get", { key: utf8("none") });
          assert.ok(asked.length < 50, `${asked.length} pages were asked for`);
          resolve(whole(stream));
        })();
      });
    });
    const { pages, refused } = await taken;
    assert.equal(refused, undefined);
    assert.deepEqual(keysOf(pages), keys);
  });

  it("loses its connection when its reader does not come back, and no other's", async () => {
    await open({ pageRecordsMax: 1, silentMilliseconds: 500 }, 100, 500_000);
    const reader = rig.client();
    const stream = reader.stream("Scan", { with_values: true });
    const failed = new Promise<Refused>((resolve) => {
      stream.on("error", (failure) => resolve(refusedOf(failure)));
    });
    stream.once("readable", () => undefined);
    await until(() => asked.length > 0 && rig.edge.requestsUnderWay === 0);
    stream.resume();
    assert.equal((await failed).code, status.UNAVAILABLE);
    assert.equal((await rig.call("Get", { key: utf8("none") }))["found"], false);
  });

  it("ends when its reader goes", async () => {
    await open({ pageRecordsMax: 1 }, 100, 100_000);
    const stream = rig.first.stream("Scan", { with_values: true });
    stream.on("error", () => undefined);
    stream.once("data", () => stream.cancel());
    await until(() => asked.length > 0 && rig.edge.requestsUnderWay === 0);
    assert.ok(asked.length < 100);
  });

  it("tells a failure behind the pages that came before", async () => {
    const keys = await open({ pageRecordsMax: 3 }, 8);
    const stream = rig.first.stream("Scan", {});
    stream.once("data", () => {
      rig.coordinator.failure = new TrefoilError("no_leader", "group 3 has no leader");
    });
    rig.coordinator.hold();
    const scanned = whole(stream);
    // The second page is asked for when the first has come.
    await until(() => rig.coordinator.waiting === 1);
    rig.coordinator.goOn();
    rig.coordinator.hold();
    await until(() => rig.coordinator.failure !== undefined && rig.coordinator.waiting === 1);
    rig.coordinator.goOn();
    const { pages, refused } = await scanned;
    assert.deepEqual(keysOf(pages), keys.slice(0, 3));
    assert.deepEqual([refused?.code, refused?.trailers.get("trefoil-code")], [status.UNAVAILABLE, ["no_leader"]]);
  });

  it("is refused beyond so many at once, and beyond what may be in memory", async () => {
    await open({ scansMax: 2, heldBytesMax: 50_000 }, 2, 40_000);
    rig.coordinator.hold();
    const scans = [1, 2].map(() => whole(rig.first.stream("Scan", {})));
    await until(() => rig.coordinator.waiting === 2);
    const third = await whole(rig.first.stream("Scan", {}));
    assert.deepEqual(third.refused?.trailers.get("trefoil-code"), ["busy"]);
    rig.coordinator.goOn();
    for (const { refused } of await Promise.all(scans)) assert.equal(refused, undefined);
    const large = await whole(rig.first.stream("Scan", { with_values: true }));
    assert.deepEqual(
      [large.refused?.code, large.refused?.trailers.get("trefoil-code")],
      [status.RESOURCE_EXHAUSTED, ["busy"]],
    );
    const small = await whole(rig.first.stream("Scan", { with_values: true, limit: 1 }));
    assert.equal(small.refused, undefined);
  });

  it("ends at its next page when the node stops, with a cursor to go on from elsewhere", async () => {
    const keys = await open({ pageRecordsMax: 3 }, 8);
    rig.coordinator.hold();
    const scanned = whole(rig.first.stream("Scan", {}));
    await until(() => rig.coordinator.waiting === 1);
    const closed = rig.edge.close();
    rig.coordinator.goOn();
    const { pages, refused } = await scanned;
    await closed;
    assert.deepEqual(keysOf(pages), keys.slice(0, 3));
    assert.deepEqual(pages[0]?.["cursor"], Buffer.from(sealCursor(utf8("k002"))));
    assert.deepEqual([refused?.code, refused?.trailers.get("trefoil-code")], [status.UNAVAILABLE, ["stopping"]]);
  });
});
