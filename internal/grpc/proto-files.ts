// The files in proto/, as protobufjs reads them.

import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

/** Seen from the compiled file: dist/internal/grpc/. */
const folder = new URL("../../../proto/trefoil/v1/", import.meta.url);

export function protoFile(name: string): protobuf.Root {
  return protobuf.loadSync(fileURLToPath(new URL(name, folder)));
}
