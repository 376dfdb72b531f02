// What cannot be meant is refused, with a status that says what became of it, and nothing is stored.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { utf8 } from "../base/bytes.ts";
import { errorCodes, TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { groupId, logIndex, nodeId, term } from "../base/ids.ts";
import { GroupRefusal } from "../node/failure.ts";
import type { RefusalPlace } from "../node/failure.ts";
import { refusedOf, rootOfFiles } from "../../test/kv/client.ts";
import type { Fields, Refused } from "../../test/kv/client.ts";
import { KvRig } from "../../test/kv/rig.ts";

const key = utf8("k");
const valueBytesMax = 4096;

/** Code, outcome and waiting time, as the trailers tell them. */
function told({ trailers }: Refused): readonly unknown[] {
  return [trailers.get("trefoil-code")[0], trailers.get("trefoil-outcome")[0], trailers.get("retry-after-ms")[0]];
}

describe("bad input", () => {
  let rig: KvRig;
  before(async () => {
    rig = await KvRig.open({ valueBytesMax });
  });
  after(async () => {
    await rig.close();
    assert.deepEqual([rig.unexpected, rig.coordinator.size, rig.coordinator.writes], [[], 0, 0]);
  });

  const refusedAs = async (code: ErrorCode, name: string, request: Fields): Promise<Refused> => {
    const refused = await rig.refused(name, request);
    assert.deepEqual(
      [refused.code, ...told(refused)],
      [errorCodes[code].grpcStatus, code, "not_applied", undefined],
      refused.details,
    );
    return refused;
  };

  it("keys: empty, missing, too long", async () => {
    for (const name of ["Get", "Put", "Delete"]) {
      await refusedAs("bad_key", name, {});
      await refusedAs("bad_key", name, { key: new Uint8Array(1025) });
    }
    await refusedAs("bad_key", "Scan", { prefix: new Uint8Array(1025) });
  });

  it("cursors that no page has given", async () => {
    for (const cursor of [new Uint8Array(1025), Buffer.from("user:1")]) {
      const { details } = await refusedAs("bad_request", "Scan", { cursor });
      assert.match(details, /a cursor is what the page before gave/);
    }
  });

  it("times to live of every wrong kind", async () => {
    // -1 arrives as the last of these.
    const beyond = ["9223372036854775807", "18446744073709551615"];
    for (const ttl of [0, 36_525 * 86_400_000 + 1, Number.MAX_SAFE_INTEGER, ...beyond]) {
      const { details } = await refusedAs("bad_ttl", "Put", { key, ttl_ms: ttl });
      assert.match(details, new RegExp(`from 1 ms to 100 years \\(36525 days\\), not ${ttl} ms`));
    }
    await refusedAs("bad_request", "Put", { key, keep_ttl: false });
  });

  it("values that are too large, by a byte and by far", async () => {
    await refusedAs("too_large", "Put", { key, value: new Uint8Array(valueBytesMax + 1) });
    // The library does not read on, and says so by itself.
    const refused = await rig.refused("Put", { key, value: new Uint8Array(10 * 1024 * 1024) });
    assert.equal(refused.code, status.RESOURCE_EXHAUSTED);
  });

  it("consistency that there is not, or not here", async () => {
    await refusedAs("bad_consistency", "Get", { key, consistency: 3 });
    await refusedAs("bad_consistency", "Put", { key, consistency: 99 });
    await refusedAs("bad_consistency", "Scan", { consistency: -1 });
    await refusedAs("bad_consistency", "Put", { key, consistency: "CONSISTENCY_FAST", if_absent: true });
    await refusedAs("bad_consistency", "Put", { key, consistency: "CONSISTENCY_FAST", keep_ttl: true });
    await refusedAs("bad_consistency", "Delete", { key, consistency: "CONSISTENCY_FAST", if_present: true });
  });

  it("conditions that say nothing, idempotency keys and content types that cannot be kept", async () => {
    await refusedAs("bad_request", "Put", { key, if_absent: false });
    await refusedAs("bad_request", "Delete", { key, if_present: false });
    const version = { term: 1, index: "9223372036854775807" };
    assert.match(
      (await refusedAs("bad_request", "Put", { key, if_version: version })).details,
      /not 1\.9223372036854775807$/,
    );
    await refusedAs("bad_request", "Put", { key, idempotency_key: new Uint8Array(65) });
    await refusedAs("bad_request", "Put", { key, content_type: "x".repeat(256) });
    await refusedAs("bad_request", "Put", { key, content_type: "text/plain\r\nX-Injected: 1" });
    await refusedAs("bad_request", "Put", { key, content_type: "ü" });
  });

  it("bytes that are no message: fields that are not known, of another type, twice in a oneof, cut off, nested wrongly", async () => {
    const put = rootOfFiles().lookupType("trefoil.v1.PutRequest");
    const good = put.encode(put.fromObject({ key, ttl_ms: 5 })).finish();
    const write = (): protobuf.Writer => protobuf.Writer.create().uint32(0x0a).bytes(key);
    const bad: Readonly<Record<string, Uint8Array>> = {
      "an unknown field": write()
        .uint32((99 << 3) | 0)
        .uint32(1)
        .finish(),
      "a key that is a number": protobuf.Writer.create().uint32(0x08).uint32(7).finish(),
      "a value of 64 fixed bits": write().uint32(0x11).fixed64(1).finish(),
      "two expiries": write().uint32(0x28).uint32(5).uint32(0x30).bool(true).finish(),
      "two conditions": write().uint32(0x38).bool(true).uint32(0x40).bool(true).finish(),
      "an unknown field of a version": write().uint32(0x4a).fork().uint32(0x18).uint32(1).ldelim().finish(),
      "a version longer than the request": write().uint32(0x4a).uint32(1000).finish(),
      "half a request": good.subarray(0, good.length - 1),
      "a length without end": Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f),
      "no field number": Uint8Array.of(0x00, 0x00),
      noise: Uint8Array.of(0xff, 0xff, 0xff, 0xff),
    };
    for (const [what, bytes] of Object.entries(bad)) {
      const refused = await raw(rig.edge.address.port, bytes);
      assert.deepEqual([refused.code, ...told(refused)], [3, "bad_request", "not_applied", undefined], what);
    }
  });

  it("streams where a request is one message: two, none", async () => {
    for (const messages of [[{ key }, { key }], []]) {
      const call = rig.first.duplex("Put");
      for (const message of messages) call.write(message);
      call.end();
      const refused = await new Promise<Refused>((resolve) => {
        call.on("error", (failure) => resolve(refusedOf(failure)));
        call.on("data", () => assert.fail("it was answered"));
      });
      assert.deepEqual([refused.code, ...told(refused)], [3, "bad_request", "not_applied", undefined]);
    }
  });

  it("metadata without end", async () => {
    // The client's connection is of no use afterwards.
    const refused = await rig.client().refused("Put", { key }, { metadata: { noise: "x".repeat(200_000) } });
    assert.notEqual(refused.code, status.OK);
    assert.equal((await rig.call("Get", { key }))["found"], false);
  });

  it("methods and services that there are not", async () => {
    const client = rig.client();
    const pass = (bytes: Buffer): Buffer => bytes;
    for (const path of ["/trefoil.v1.KV/Increment", "/trefoil.v1.Peers/Exchange", "/__proto__/toString"]) {
      const code = await new Promise<number>((resolve) => {
        client.channel.makeUnaryRequest(path, pass, pass, Buffer.alloc(0), (failure) => resolve(failure?.code ?? 0));
      });
      assert.equal(code, status.UNIMPLEMENTED, path);
    }
  });
});

describe("failures", () => {
  let rig: KvRig;
  before(async () => {
    rig = await KvRig.open();
  });
  after(() => rig.close());

  it("of every code have its gRPC status, the outcome, and patience where it helps", async () => {
    for (const [code, { grpcStatus, retryable, httpStatus }] of Object.entries(errorCodes)) {
      rig.coordinator.failure = new TrefoilError(code as ErrorCode, `about ${code}`, { outcome: "unknown" });
      const refused = await rig.refused("Put", { key });
      const patience = httpStatus === 429 || httpStatus === 503 ? "1000" : undefined;
      assert.deepEqual(
        [refused.code, refused.details, ...told(refused)],
        [grpcStatus, `about ${code}`, code, "unknown", patience],
      );
      const failure = detailOf(refused);
      assert.deepEqual(failure, {
        code,
        outcome: "OUTCOME_UNKNOWN",
        retryable,
        ...(patience === undefined ? {} : { retry_after_ms: 1000 }),
        request_id: refused.trailers.get("trefoil-request-id")[0],
      });
    }
    assert.deepEqual(rig.unexpected, []);
  });

  it("of a group tell where it was refused, and what is there", async () => {
    const where = { node: nodeId("n2"), group: groupId(5), version: { term: term(8), index: logIndex(9) } };
    const decided = { role: "leader", consistency: "strong" } as const;
    const refused = async (code: ErrorCode, place: RefusalPlace): Promise<readonly unknown[]> => {
      rig.coordinator.failure = new GroupRefusal({ code, outcome: "not_applied", detail: "so" }, place);
      const failed = await rig.refused("Put", { key });
      const { present, receipt, served } = detailOf(failed);
      const names = ["node", "group", "present", "receipt"].map((name) => failed.trailers.get(`trefoil-${name}`)[0]);
      return [...names, present, receipt, served];
    };
    const by = { node: "n2", group: 5 };
    const looked = { ...by, consistency: "CONSISTENCY_STRONG", role: "ROLE_LEADER" };
    const version = { term: 8, index: 9 };
    const receipt = { group: 5, ...version };
    const [none, first] = [undefined, ["n2", "5"]];
    assert.deepEqual(
      [
        await refused("precondition_failed", { ...where, decided }),
        await refused("precondition_failed", { ...where, decided, version: undefined }),
        await refused("outcome_unknown", { ...where, decided: undefined }),
        await refused("no_leader", { ...where, decided: undefined }),
      ],
      [
        [...first, "8.9", none, version, none, looked],
        [...first, none, none, none, none, looked],
        [...first, none, "5.8.9", none, receipt, by],
        [...first, none, none, none, none, by],
      ],
    );
  });

  it("of ours are told without their words, which go to the log", async () => {
    const fault = new Error("a secret of the code");
    rig.coordinator.failure = fault;
    const refused = await rig.refused("Put", { key });
    assert.deepEqual([refused.code, ...told(refused)], [status.INTERNAL, "internal", "unknown", undefined]);
    assert.doesNotMatch(refused.details, /secret/);
    assert.match(refused.details, new RegExp(String(refused.trailers.get("trefoil-request-id")[0])));
    assert.deepEqual(rig.unexpected, [fault]);
  });

  it("of any words can be sent", async () => {
    const words = 'a key "\u{1f511}" of \n 100 % \u0000 \ud800';
    rig.coordinator.failure = new TrefoilError("conflict", words);
    const refused = await rig.refused("Put", { key });
    assert.equal(refused.code, status.ABORTED);
  });
});

/** What google.rpc.Status holds. */
function detailOf({ trailers, code, details }: Refused): Fields {
  const { root } = protobuf.parse(
    'syntax = "proto3"; message S { int32 code = 1; string message = 2; repeated A details = 3; } message A { string type_url = 1; bytes value = 2; }',
    { keepCase: true },
  );
  const bytes = trailers.get("grpc-status-details-bin")[0];
  const whole = root.lookupType("S").decode(bytes as Buffer) as unknown as {
    readonly code: number;
    readonly message: string;
    readonly details: readonly [{ readonly type_url: string; readonly value: Uint8Array }];
  };
  assert.deepEqual([whole.code, whole.message, whole.details.length], [code, details, 1]);
  const [{ type_url: url, value }] = whole.details;
  assert.equal(url, "type.googleapis.com/trefoil.v1.Failure");
  const type = rootOfFiles().lookupType("trefoil.v1.Failure");
  return type.toObject(type.decode(value), { enums: String, longs: Number });
}

/** A Put of these very bytes. */
function raw(port: number, bytes: Uint8Array): Promise<Refused> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const pass = (given: Buffer): Buffer => given;
  return new Promise<Refused>((resolve) => {
    client.makeUnaryRequest("/trefoil.v1.KV/Put", pass, pass, Buffer.from(bytes), new Metadata(), (failure) => {
      client.close();
      resolve(
        failure === null ? { code: 0, details: "it was answered", trailers: new Metadata() } : refusedOf(failure),
      );
    });
  });
}
