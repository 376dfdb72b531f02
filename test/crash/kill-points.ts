// Where a process can die: at each step of each protocol by which log, engine and store change the disk.
//
// A point names a call, the files that it is made on, and the thread that makes it. The process dies before
// the call, with half of a write done, or after it.

import type { Prng } from "../../internal/base/prng.ts";

export type KillCall =
  | "create"
  | "write"
  | "syncData"
  | "truncate"
  | "rename"
  | "link"
  | "remove"
  | "makeFolder"
  | "syncFolder";

export type KillMoment = "before" | "half" | "after";

/** While a store is made in an empty folder, while one is opened that did not end in order, or once it is open. */
export type KillPhase = "making" | "opening" | "running";

export interface KillPoint {
  readonly name: string;
  readonly phase: KillPhase;
  readonly call: KillCall;
  /** Source of a pattern that fits the path. */
  readonly path: string;
  /** Of the background job that makes the call; undefined: the main thread does. */
  readonly job: string | undefined;
  readonly moment: KillMoment;
  /** It strikes at one of the first so many calls that fit. */
  readonly callsMax: number;
}

/** A point, and which of the calls that fit it. */
export interface KillPlan {
  readonly point: KillPoint;
  readonly call: number;
}

interface Protocol {
  readonly name: string;
  readonly phase: KillPhase;
  readonly job?: string;
  readonly callsMax: number;
  readonly steps: readonly (readonly [call: KillCall, path: string])[];
}

const table = "/store/engine/\\d+\\.table$";
const manifest = "/store/engine/manifest-";
const temporary = "/store/engine/\\d+\\.temporary$";
const engine = "/store/engine$";
const segment = "/store/log/\\d+\\.log$";
const draft = "/store/log/\\d+\\.new$";
const spare = "/store/log/\\d+\\.spare$";
const log = "/store/log$";
const copy = "/copies/\\d+";

const switchManifest = [
  ["create", manifest],
  ["write", manifest],
  ["syncData", manifest],
  ["create", temporary],
  ["write", temporary],
  ["syncData", temporary],
  ["rename", temporary],
  ["remove", manifest],
] as const;

const protocols: readonly Protocol[] = [
  {
    name: "make the store",
    phase: "making",
    callsMax: 1,
    steps: [
      ["makeFolder", "/store$"],
      ["create", "/store/trefoil-store"],
      ["write", "/store/trefoil-store"],
      ["rename", "/store/trefoil-store"],
      ["syncFolder", "/store$"],
      ["write", manifest],
      ["rename", temporary],
      ["syncFolder", engine],
      ["rename", draft],
      ["syncFolder", log],
      ["write", segment],
    ],
  },
  { name: "commit to the log", phase: "running", callsMax: 60, steps: [["write", segment]] },
  {
    name: "prepare a segment",
    phase: "running",
    job: "log.prepare",
    callsMax: 1,
    steps: [
      ["create", draft],
      ["write", draft],
      ["syncData", draft],
    ],
  },
  {
    name: "name a segment",
    phase: "running",
    callsMax: 3,
    steps: [
      ["rename", draft],
      ["syncFolder", log],
    ],
  },
  {
    name: "purge and recycle a segment",
    phase: "running",
    callsMax: 2,
    steps: [
      ["rename", segment],
      ["write", spare],
      ["syncData", spare],
      ["rename", spare],
      ["remove", segment],
    ],
  },
  {
    name: "flush",
    phase: "running",
    job: "flush",
    callsMax: 4,
    steps: [
      ["create", table],
      ["write", table],
      ["syncData", table],
    ],
  },
  {
    name: "merge",
    phase: "running",
    job: "compaction",
    callsMax: 4,
    steps: [
      ["create", table],
      ["write", table],
      ["syncData", table],
    ],
  },
  {
    name: "install an edit",
    phase: "running",
    callsMax: 8,
    steps: [
      ["syncFolder", engine],
      ["write", manifest],
      ["syncData", manifest],
      ["remove", table],
    ],
  },
  { name: "switch the manifest", phase: "running", callsMax: 2, steps: switchManifest },
  {
    name: "checkpoint",
    phase: "running",
    callsMax: 1,
    steps: [
      ["makeFolder", `${copy}$`],
      ["link", table],
      ["write", `${copy}/engine/manifest-`],
      ["rename", `${copy}/engine/`],
      ["write", `${copy}/log/`],
      ["rename", `${copy}/trefoil-store`],
      ["syncFolder", `${copy}$`],
    ],
  },
  { name: "recover the engine", phase: "opening", callsMax: 1, steps: switchManifest },
  {
    name: "recover the log",
    phase: "opening",
    callsMax: 1,
    steps: [
      ["create", draft],
      ["write", draft],
      ["syncData", draft],
      ["rename", draft],
      ["syncFolder", log],
      ["write", segment],
    ],
  },
];

export const killPoints: readonly KillPoint[] = protocols.flatMap(({ name, phase, job, callsMax, steps }) =>
  steps.flatMap(([call, path], at) => {
    // After one step is before the next, so only the first is tried before, too.
    const first: KillMoment[] = at === 0 ? ["before"] : [];
    const moments: KillMoment[] = call === "write" ? [...first, "half", "after"] : [...first, "after"];
    const what = path.replace(/\\d\+|\\|\$|^\/store\/|\/store$/g, "");
    return moments.map((moment) => ({
      name: `${name}: ${moment === "half" ? "half of" : moment} ${call} ${what}`,
      phase,
      call,
      path,
      job,
      moment,
      callsMax,
    }));
  }),
);

export function planFor(point: KillPoint, random: Prng): KillPlan {
  return { point, call: random.between(1, point.callsMax) };
}
