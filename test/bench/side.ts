// The two sides of a benchmark live in processes of their own, so that heap, event loop, thread pool
// and resident memory of one never mix with the other's. The parent sends one call at a time and the
// side answers with figures that it took itself. What a side can be asked is the table `SideCalls`.

import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

export interface OpenCall {
  readonly folder: string;
  readonly cacheBytes: number;
  readonly memtableBytes: number;
  /** "always": a write is acknowledged after its fsync. "never": an acknowledgement waits for no disk. */
  readonly fsync: "always" | "never";
  /** How keys are given to the peer; Trefoil takes bytes always. */
  readonly keysAs?: "bytes" | "text";
}

export interface DataCall {
  readonly keys: number;
  /** Whether the benchmark is to keep its keys out of the heap. */
  readonly lean: boolean;
}

export interface FillCall {
  /** Which keys, by position: from `first`, `count` of them. */
  readonly first: number;
  readonly count: number;
  readonly order: "made" | "stride";
  readonly generation: number;
  readonly batch: number;
  /** Batches in flight at once. */
  readonly lanes: number;
  /** The peer's way to write a batch. */
  readonly style?: "chained" | "array";
}

/** Keys in order, made as it goes: the quick way to much data. */
export interface BulkCall {
  readonly bytes: number;
  readonly valueBytes: number;
}

export interface ReadCall {
  readonly keys: "present" | "missing";
  readonly count: number;
  readonly seed: number;
}

export interface ScanCall {
  /** The whole, or as many short ranges as it takes to see `count` entries. */
  readonly kind: "whole" | "ranges";
  readonly count: number;
  readonly rangeEntries: number;
  readonly seed: number;
  /** Trefoil takes copies of keys and values, as the peer always does. */
  readonly copies?: boolean;
  /** The peer's entries per call. */
  readonly chunk?: number;
}

export interface WritersCall {
  readonly writers: number;
  readonly seconds: number;
}

export interface Timed {
  readonly operations: number;
  readonly seconds: number;
}

export interface ReadFigures extends Timed {
  readonly found: number;
  /** Reads that could not be answered at once and had to wait for the disk. */
  readonly waited: number;
  /** Of tables that might have held a key by their range: how many were asked, and how many the filter ruled out. */
  readonly filterAsked: number;
  readonly filterRuledOut: number;
}

export interface WriterFigures extends Timed {
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

export interface LoopFigures {
  readonly maxMilliseconds: number;
  readonly p999Milliseconds: number;
  readonly meanMilliseconds: number;
}

export interface StorageFigures {
  /** Bytes of tables that flushes wrote, and that compactions wrote, since the folder was made. */
  readonly flushedBytes: number;
  readonly compactedBytes: number;
  /** Bytes of table files in the folder now. */
  readonly tableBytes: number;
  readonly tables: number;
  readonly levels: readonly number[];
}

export interface MemoryFigures {
  /** Growth since before the store was opened, at its greatest. */
  readonly residentBytes: number;
  readonly outsideBytes: number;
  readonly heapBytes: number;
  readonly configuredBytes: number;
}

export interface SideCalls {
  prepare: [DataCall, { readonly settings: string }];
  open: [OpenCall, Timed];
  close: [object, object];
  fill: [FillCall, Timed];
  bulk: [BulkCall, Timed];
  flush: [object, Timed];
  settle: [object, Timed];
  read: [ReadCall, ReadFigures];
  check: [{ readonly count: number; readonly generation: number }, { readonly wrong: number }];
  scan: [ScanCall, Timed];
  writers: [WritersCall, WriterFigures];
  storage: [object, StorageFigures];
  watchLoop: [object, object];
  watchedLoop: [object, LoopFigures];
  watchMemory: [object, object];
  watchedMemory: [object, MemoryFigures];
  profile: [{ readonly file: string | undefined }, object];
}

export type CallName = keyof SideCalls;
export type Handlers = {
  readonly [Name in CallName]: (input: SideCalls[Name][0]) => Promise<SideCalls[Name][1]> | SideCalls[Name][1];
};

interface CallMessage {
  readonly name: CallName;
  readonly input: SideCalls[CallName][0];
}

type AnswerMessage = { readonly output: unknown } | { readonly failure: string };

/** Flags that both sides run with; Trefoil's nodes are started with this one. */
export const sideFlags: readonly string[] = ["--max-semi-space-size=32", "--expose-gc"];

/** The parent's handle on one side. */
export class SideProcess {
  readonly name: string;
  private readonly child: ChildProcess;

  constructor(name: string, module: string, environment: Readonly<Record<string, string>> = {}) {
    this.name = name;
    this.child = fork(path.join(import.meta.dirname, module), [], {
      execArgv: [...sideFlags],
      serialization: "advanced",
      env: { ...process.env, ...environment },
    });
  }

  async call<Name extends CallName>(name: Name, input: SideCalls[Name][0]): Promise<SideCalls[Name][1]> {
    const stopped = new AbortController();
    const gone = once(this.child, "exit", { signal: stopped.signal }).then(([code]) => {
      throw new Error(`${this.name} ended with ${String(code)} in the middle of ${name}`);
    });
    gone.catch(() => undefined);
    const answered = once(this.child, "message", { signal: stopped.signal });
    this.child.send({ name, input } satisfies CallMessage);
    try {
      const [answer] = (await Promise.race([answered, gone])) as [AnswerMessage];
      if ("failure" in answer) throw new Error(`${this.name}, ${name}: ${answer.failure}`);
      return answer.output as SideCalls[Name][1];
    } finally {
      stopped.abort();
      answered.catch(() => undefined);
    }
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, "exit");
    this.child.disconnect();
    await gone;
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }
}

/** The child's part: answers calls until the parent lets go. */
export function serveSide(handlers: Handlers): void {
  process.on("message", (message: CallMessage) => {
    void answer(handlers, message).then((reply) => process.send?.(reply));
  });
  process.once("disconnect", () => process.exit(0));
}

async function answer(handlers: Handlers, message: CallMessage): Promise<AnswerMessage> {
  try {
    const handler = handlers[message.name] as (input: unknown) => unknown;
    return { output: await handler(message.input) };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
