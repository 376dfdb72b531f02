// Reflection as tools use it: a client that knows nothing but the reflection service learns the rest from it, and then uses that.

import assert from "node:assert/strict";
import { connect } from "node:http2";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import type { ClientDuplexStream } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor/index.js";
import { utf8 } from "../base/bytes.ts";
import { KvClient, rootOfFiles } from "../../test/kv/client.ts";
import type { Fields } from "../../test/kv/client.ts";
import { framed, RawCall } from "../../test/kv/raw-call.ts";
import { KvRig } from "../../test/kv/rig.ts";

const v1 = "grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/** Asks one question after another on one stream. */
async function ask(client: KvClient, questions: readonly Fields[], name = v1): Promise<Fields[]> {
  const stream = client.duplex(name);
  const answers: Fields[] = [];
  for (const question of questions) {
    stream.write(question);
    answers.push(await next(stream));
  }
  stream.end();
  await new Promise((resolve) => {
    stream.on("status", resolve);
    stream.resume();
  });
  return answers;
}

function next(stream: ClientDuplexStream<Fields, Fields>): Promise<Fields> {
  return new Promise((resolve, reject) => {
    stream.once("data", resolve);
    stream.once("error", reject);
  });
}

function fileBytes(answer: Fields): Uint8Array {
  const { file_descriptor_proto: files } = answer["file_descriptor_response"] as {
    file_descriptor_proto: Uint8Array[];
  };
  assert.equal(files.length, 1);
  return files[0] as Uint8Array;
}

describe("reflection", () => {
  let rig: KvRig;
  before(async () => {
    rig = await KvRig.open();
  });
  after(async () => {
    await rig.close();
    assert.deepEqual(rig.unexpected, []);
  });

  it("lists the services, on either version", async () => {
    const names = [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "trefoil.v1.KV",
    ];
    const question = { host: "here", list_services: "*" };
    const [answer] = await ask(rig.first, [question]);
    assert.deepEqual(answer, {
      valid_host: "here",
      original_request: question,
      list_services_response: { service: names.map((name) => ({ name })) },
    });
    const [file] = await ask(rig.first, [{ file_containing_symbol: "grpc.reflection.v1alpha.ServerReflection" }]);
    const tool = new KvClient(rig.edge.address.port, {}, rootOf(fileBytes(file as Fields)));
    const [again] = await ask(tool, [question], "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo");
    assert.deepEqual(again, answer);
    tool.close();
  });

  it("tells enough to write and read with", async () => {
    const [file] = await ask(rig.first, [{ file_containing_symbol: "trefoil.v1.KV" }]);
    const tool = new KvClient(rig.edge.address.port, {}, rootOf(fileBytes(file as Fields)));
    const key = utf8("told");
    const put = await tool.call("Put", { key, value: utf8("v"), ttl_ms: 5000, if_absent: true });
    assert.equal((await tool.refused("Put", { key, if_absent: true })).code, status.FAILED_PRECONDITION);
    const got = await tool.call("Get", { key, consistency: "CONSISTENCY_STRONG" });
    assert.deepEqual([got["found"], got["value"], got["version"]], [true, Buffer.from("v"), put["version"]]);
    tool.close();
  });

  it("describes each file as protobuf's own description of it says", async () => {
    const files = ["trefoil/v1/kv.proto", "grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto"];
    const answers = await ask(
      rig.first,
      files.map((name) => ({ file_by_filename: name })),
    );
    const root = rootOfFiles();
    for (const [at, name] of files.entries()) {
      const bytes = fileBytes(answers[at] as Fields);
      const told = descriptor.FileDescriptorProto.decode(bytes) as unknown as descriptor.IFileDescriptorProto;
      assert.deepEqual([told.name, told.syntax], [name, "proto3"]);
      const back = rootOf(bytes).lookup(told.package ?? "") as protobuf.Namespace;
      const own = root.lookup(told.package ?? "") as protobuf.Namespace;
      assert.deepEqual(shapeOf(back), shapeOf(own));
    }
    const kv = descriptor.FileDescriptorProto.decode(
      fileBytes(answers[0] as Fields),
    ) as descriptor.IFileDescriptorProto;
    const answer = kv.messageType?.find(({ name }) => name === "GetResponse");
    // protobufjs does not read this one back.
    const optional = answer?.field?.filter((field) => "proto3Optional" in field && field.proto3Optional === true);
    assert.deepEqual(
      optional?.map(({ name, oneofIndex }) => [name, oneofIndex]),
      [
        ["expires_at_ms", 0],
        ["staleness_ms", 1],
      ],
    );
  });

  it("finds files by all that they define, and says what it does not know", async () => {
    const symbols = [
      "trefoil.v1.KV.Put",
      "trefoil.v1.PutRequest",
      "trefoil.v1.PutRequest.ttl_ms",
      "trefoil.v1.Consistency",
      "trefoil.v1.CONSISTENCY_FAST",
    ];
    const found = await ask(
      rig.first,
      symbols.map((symbol) => ({ file_containing_symbol: symbol })),
    );
    for (const answer of found) {
      const told = descriptor.FileDescriptorProto.decode(
        fileBytes(answer),
      ) as unknown as descriptor.IFileDescriptorProto;
      assert.equal(told.name, "trefoil/v1/kv.proto");
    }
    const unknown = await ask(rig.first, [
      { file_containing_symbol: "trefoil.v1.Peers" },
      { file_by_filename: "../package.json" },
      { file_containing_extension: { containing_type: "trefoil.v1.PutRequest", extension_number: 5 } },
      { all_extension_numbers_of_type: "trefoil.v1.PutRequest" },
      {},
    ]);
    for (const answer of unknown) {
      assert.equal((answer["error_response"] as Fields)["error_code"], status.NOT_FOUND);
    }
  });

  it("refuses questions that are too long, and too many without listening", async () => {
    const session = connect(`http://127.0.0.1:${rig.edge.address.port}`, { settings: { initialWindowSize: 0 } });
    const long = framed(Buffer.concat([Buffer.of(0x3a, 0x88, 0x27), Buffer.alloc(5000, "x")]));
    const many = Buffer.concat(Array.from({ length: 100 }, () => framed(Buffer.of(0x3a, 0))));
    for (const questions of [long, many]) {
      const call = new RawCall(session, `/${v1}`);
      call.stream.write(questions);
      // What comes behind them on the same connection is answered when they have been taken in.
      const check = new RawCall(session, "/grpc.health.v1.Health/Check");
      check.stream.end(framed(Buffer.alloc(0)));
      await check.answered;
      session.settings({ initialWindowSize: 65_535 });
      assert.equal((await call.ended)["grpc-status"], "8");
      session.settings({ initialWindowSize: 0 });
    }
    session.destroy();
  });
});

function rootOf(bytes: Uint8Array): protobuf.Root {
  const file = descriptor.FileDescriptorProto.decode(bytes);
  const { fromDescriptor } = protobuf.Root as unknown as { fromDescriptor(set: object): protobuf.Root };
  return fromDescriptor({ file: [file] }).resolveAll() as protobuf.Root;
}

/** All that a caller has to know of messages, enums and services. */
function shapeOf(space: protobuf.NamespaceBase): Fields {
  const shape: Fields = {};
  for (const each of space.nestedArray) {
    if (each instanceof protobuf.Type) shape[each.name] = [fieldsOf(each), shapeOf(each)];
    if (each instanceof protobuf.Enum) shape[each.name] = { ...each.values };
    if (each instanceof protobuf.Service) {
      shape[each.name] = each.methodsArray.map((method) => {
        method.resolve();
        const { name, requestStream, responseStream, resolvedRequestType, resolvedResponseType } = method;
        return [
          name,
          requestStream === true,
          responseStream === true,
          resolvedRequestType?.fullName,
          resolvedResponseType?.fullName,
        ];
      });
    }
  }
  return shape;
}

function fieldsOf(type: protobuf.Type): unknown[] {
  return type.fieldsArray.map((field) => {
    field.resolve();
    return [field.name, field.id, field.resolvedType?.fullName ?? field.type, field.repeated, field.partOf?.name];
  });
}
