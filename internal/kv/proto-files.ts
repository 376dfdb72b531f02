// The proto files of what this listener serves, read at the start.

import { readFileSync } from "node:fs";
import protobuf from "protobufjs";

/** Seen from the compiled file: dist/internal/kv/. */
const folder = new URL("../../../proto/", import.meta.url);

export interface ProtoFile {
  /** As reflection calls it. */
  readonly name: string;
  readonly packageName: string;
  readonly text: string;
}

const reflectionName = "grpc/reflection/v1/reflection.proto";

export const kvFile = readProto("trefoil/v1/kv.proto", "trefoil.v1");
export const healthFile = readProto("grpc/health/v1/health.proto", "grpc.health.v1");
export const reflectionFile = readProto(reflectionName, "grpc.reflection.v1");

/** The same under the name that it had before it was finished, which many tools still ask for. */
export const reflectionAlphaFile: ProtoFile = {
  name: reflectionName.replace("v1", "v1alpha"),
  packageName: "grpc.reflection.v1alpha",
  text: reflectionFile.text.replace("package grpc.reflection.v1;", "package grpc.reflection.v1alpha;"),
};

/** `keepCase`: fields are called as in the file, not as JavaScript would. */
export function parseProto({ text }: ProtoFile, keepCase: boolean): protobuf.Root {
  const { root } = protobuf.parse(text, new protobuf.Root(), { keepCase });
  return root.resolveAll() as protobuf.Root;
}

function readProto(name: string, packageName: string): ProtoFile {
  return { name, packageName, text: readFileSync(new URL(name, folder), "utf8") };
}
