import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrefoilError } from "../base/errors.ts";
import type { Timer } from "../platform/clock.ts";
import { ListingPlaces, placesFor } from "./listing-places.ts";
import type { Wish } from "./listing-places.ts";

const mebibyte = 1024 * 1024;
const never = { after: (): Timer => ({ cancel: () => undefined }), afterTurn: (): void => undefined };
const clock = { wallMilliseconds: () => 0, monotonicMilliseconds: () => 0 };
const caller = { deadline: 1000, signal: undefined, trace: "" };

/** Listings that go on until they are told to end. */
class Listings {
  readonly places = new ListingPlaces(clock, never);
  readonly begun: string[] = [];
  readonly refused: string[] = [];
  private readonly ends = new Map<string, () => void>();

  async begin(name: string, wish: Wish): Promise<void> {
    const made = this.places.run(wish, caller, async () => {
      this.begun.push(name);
      await new Promise<void>((resolve) => void this.ends.set(name, resolve));
    });
    made.catch((failure: unknown) => {
      assert.ok(failure instanceof TrefoilError && failure.code === "busy");
      this.refused.push(name);
    });
    await settled();
  }

  async end(name: string): Promise<void> {
    this.ends.get(name)?.();
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("the pages of keys that a node puts together", () => {
  it("are 64 of the usual kind, and fewer where each may hold more", () => {
    assert.equal(placesFor(6 * mebibyte), 1);
    assert.equal(placesFor(2 * mebibyte + 4 * 8 * mebibyte), 6);
    assert.equal(placesFor(2 * mebibyte + 1023 * 8 * mebibyte), 48, "one of them at a time there always is");
  });

  it("have their places until they end, and who does not wait is refused where there are too few", async () => {
    const listings = new Listings();
    const wish = { places: 20, mayWait: false };
    for (const name of ["a", "b", "c", "d"]) await listings.begin(name, wish);
    assert.deepEqual([listings.begun, listings.refused], [["a", "b", "c"], ["d"]]);
    await listings.end("b");
    await listings.begin("e", wish);
    assert.deepEqual(listings.begun, ["a", "b", "c", "e"]);
  });

  it("go on in the order in which they came to wait, and nobody who wants less overtakes", async () => {
    const listings = new Listings();
    for (const name of ["a", "b"]) await listings.begin(name, { places: 20, mayWait: true });
    await listings.begin("large", { places: 30, mayWait: true });
    await listings.begin("small", { places: 1, mayWait: true });
    assert.deepEqual(listings.begun, ["a", "b"]);
    await listings.end("a");
    assert.deepEqual(listings.begun, ["a", "b"], "there is room for the small one, and it is not its turn");
    await listings.end("b");
    assert.deepEqual(listings.begun, ["a", "b", "large", "small"]);
  });
});
