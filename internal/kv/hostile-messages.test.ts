// Requests that were damaged, or made to harm: they are refused as what they are, and never met as a fault of ours.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TrefoilError } from "../base/errors.ts";
import { keyBytesMax } from "../base/limits.ts";
import type { WriteRequest } from "../node/requests.ts";
import { rootOfFiles } from "../../test/kv/client.ts";
import { readDelete, readGet, readPut, readScan } from "./requests.ts";

const valueBytesMax = 1000;
const runs = 4000;

const root = rootOfFiles();
const bytes = (most: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength: most });
const wholeNumber = fc.oneof(fc.nat(), fc.constant(0), fc.maxSafeNat());
const version = fc.record({ term: wholeNumber, index: wholeNumber });
const condition = fc.oneof(
  fc.constant({}),
  fc.record({ if_present: fc.boolean() }),
  fc.record({ if_version: version }),
);

/** Good and bad ones, as clients can make them. */
const requests = {
  Get: fc.record({ key: bytes(1100), consistency: fc.nat(5), without_value: fc.boolean() }, { requiredKeys: [] }),
  Put: fc
    .tuple(
      fc.record(
        {
          key: bytes(20),
          value: bytes(1100),
          content_type: fc.string(),
          consistency: fc.nat(3),
          idempotency_key: bytes(70),
        },
        { requiredKeys: [] },
      ),
      condition,
      fc.oneof(fc.constant({}), fc.record({ ttl_ms: wholeNumber }), fc.record({ keep_ttl: fc.boolean() })),
    )
    .map(([put, when, expiry]) => ({ ...put, ...when, ...expiry })),
  Delete: fc
    .tuple(fc.record({ key: bytes(20), consistency: fc.nat(3) }, { requiredKeys: [] }), condition)
    .map(([asked, when]) => ({ ...asked, ...when })),
  Scan: fc.record({ prefix: bytes(1100), cursor: bytes(50), limit: wholeNumber }, { requiredKeys: [] }),
} as const;

type Method = keyof typeof requests;
const readers: Readonly<Record<Method, (message: Uint8Array) => unknown>> = {
  Get: readGet,
  Put: (message) => readPut(message, valueBytesMax),
  Delete: readDelete,
  Scan: readScan,
};

/** What it is read as; undefined: it is refused, for a reason of the caller's. */
function read(method: Method, message: Uint8Array): unknown {
  try {
    return readers[method](message);
  } catch (failure) {
    assert.ok(failure instanceof TrefoilError, String(failure));
    assert.match(failure.code, /^(bad_request|bad_key|bad_ttl|bad_consistency|too_large)$/);
    assert.equal(failure.outcome, "not_applied");
    return undefined;
  }
}

function checkWrite(write: WriteRequest): void {
  assert.ok(write.key.length >= 1 && write.key.length <= keyBytesMax);
  assert.ok(write.requestId === undefined || (write.requestId.length >= 1 && write.requestId.length <= 64));
  if (write.kind === "delete") return;
  assert.ok(write.value.length <= valueBytesMax && !Buffer.isBuffer(write.value));
  assert.match(write.contentType, /^[\x20-\x7e]{0,255}$/);
  if (write.ttl.kind === "milliseconds") assert.ok(write.ttl.milliseconds >= 1);
  if (write.mode === "fast") assert.ok(write.condition === undefined && write.ttl.kind !== "keep");
}

const methods = Object.keys(requests) as Method[];

describe("requests of any kind", () => {
  it("are read as what the coordinator takes, or refused", () => {
    let taken = 0;
    for (const method of methods) {
      const type = root.lookupType(`trefoil.v1.${method}Request`);
      fc.assert(
        fc.property(requests[method] as fc.Arbitrary<object>, (fields) => {
          const made = new Uint8Array(type.encode(type.fromObject(fields)).finish());
          const found = read(method, made);
          if (found !== undefined) taken++;
          if (found !== undefined && (method === "Put" || method === "Delete")) checkWrite(found as WriteRequest);
        }),
        { numRuns: runs / 4 },
      );
    }
    assert.ok(taken > runs / 20, `${taken} were taken`);
  });

  it("harm nothing when they are damaged", () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom("set", "insert", "cut")), { maxLength: 4 });
    for (const method of methods) {
      const type = root.lookupType(`trefoil.v1.${method}Request`);
      fc.assert(
        fc.property(requests[method] as fc.Arbitrary<object>, damage, (fields, wounds) => {
          let made = Array.from(type.encode(type.fromObject(fields)).finish());
          for (const [at, byte, how] of wounds) {
            const place = made.length === 0 ? 0 : at % made.length;
            if (how === "set") made[place] = byte;
            else if (how === "insert") made.splice(place, 0, byte);
            else made = made.slice(0, place);
          }
          const found = read(method, Uint8Array.from(made));
          if (found !== undefined && (method === "Put" || method === "Delete")) checkWrite(found as WriteRequest);
        }),
        { numRuns: runs },
      );
    }
  });

  it("harm nothing when they are noise", () => {
    fc.assert(
      fc.property(fc.constantFrom(...methods), bytes(60), (method, noise) => void read(method, noise)),
      { numRuns: runs },
    );
  });
});
