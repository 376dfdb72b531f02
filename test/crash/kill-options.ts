// The settings under which processes are killed: small, so that every protocol runs all the time.

import type { StoreOptions } from "../../internal/store/options.ts";
import { tinyOptions } from "../engine/engine-rig.ts";
import type { ChildOrder } from "./messages.ts";

export function killOptions(fsync: ChildOrder["fsync"]): Partial<StoreOptions> {
  return {
    fsync: fsync === "always" ? { kind: "always" } : { kind: "interval", milliseconds: 20 },
    engine: tinyOptions,
    log: { segmentBytes: 64 * 1024, batchBytesMax: 16 * 1024, flushWantedBytes: 128 * 1024, logBytesMax: 512 * 1024 },
  };
}
