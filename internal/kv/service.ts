// The four methods of KV: from a call to the coordinator and back.

import { TrefoilError } from "../base/errors.ts";
import type { Operation } from "../node/observer.ts";
import type { Coordinator, WriteRequest } from "../node/requests.ts";
import { getMessage, pageBytes, pageMessages, writeMessage } from "./answers.ts";
import type { Call, CallStream } from "./call.ts";
import type { KvLimits } from "./limits.ts";
import { readDelete, readGet, readPut, readScan } from "./requests.ts";
import type { Serving } from "./serving.ts";

/** Until a page is taken: its records, its message, and that once more in the connection's frame. */
const copiesOfPage = 3;

export class KvService {
  private readonly coordinator: Coordinator;
  private readonly serving: Serving;
  private readonly limits: KvLimits;
  private scans = 0;

  constructor(coordinator: Coordinator, serving: Serving, limits: KvLimits) {
    this.coordinator = coordinator;
    this.serving = serving;
    this.limits = limits;
  }

  /** By the names of kv.proto. */
  get methods(): Readonly<Record<string, (stream: CallStream) => void>> {
    return {
      Get: this.method("get", (call) => this.get(call)),
      Put: this.method("put", (call) => this.write(call, (bytes) => readPut(bytes, this.limits.valueBytesMax))),
      Delete: this.method("delete", (call) => this.write(call, readDelete)),
      Scan: this.method("scan", (call) => this.scan(call)),
    };
  }

  private method(operation: Operation, handler: (call: Call) => Promise<void>): (stream: CallStream) => void {
    return (stream) => this.serving.serve(stream, operation, handler);
  }

  private async get(call: Call): Promise<void> {
    const { request, withoutValue } = readGet(await this.serving.receive(call));
    call.mode = request.mode;
    const given = this.coordinator.getNow(request) ?? (await this.coordinator.get(request, call));
    call.mode = given.served.consistency;
    if (given.record === undefined) call.outcome = "not_found";
    else if (!withoutValue) call.hold(given.record.value.length);
    call.answer(getMessage(given, withoutValue));
  }

  /** What has taken effect is told, however much else is held. */
  private async write(call: Call, read: (bytes: Uint8Array) => WriteRequest): Promise<void> {
    const request = read(await this.serving.receive(call));
    call.mode = request.mode;
    const given = await this.coordinator.write(request, call);
    call.mode = given.served.consistency;
    call.answer(writeMessage(given));
  }

  private async scan(call: Call): Promise<void> {
    const { scansMax } = this.limits;
    if (this.scans >= scansMax) {
      throw new TrefoilError("busy", `${scansMax} scans are under way here; try again, or ask another node`);
    }
    this.scans++;
    try {
      await this.sendPages(call);
      call.finish();
    } finally {
      this.scans--;
    }
  }

  /** One page alone must not use up a small budget. */
  private heldFor(bytes: number): number {
    return Math.max(bytes, Math.min(copiesOfPage * bytes, this.limits.heldBytesMax / 2));
  }

  /** The next page is asked for when the client has taken the one before: what waits for it is one page. */
  private async sendPages(call: Call): Promise<void> {
    const { request, limit } = readScan(await this.serving.receive(call));
    call.mode = request.mode;
    const { pageRecordsMax, pageBytesMax } = this.limits;
    let { cursor } = request;
    for (let left = limit; ;) {
      const page = await this.coordinator.list(
        { ...request, cursor, limit: Math.min(left, pageRecordsMax), mayWait: true },
        call.pageCaller(),
      );
      call.mode = page.consistency;
      call.letGo();
      call.hold(this.heldFor(pageBytes(page)));
      for (const message of pageMessages(page, this.coordinator.node, pageBytesMax)) {
        if (!(await call.send(message))) return;
      }
      ({ cursor } = page);
      left -= page.records.length;
      if (cursor === undefined || left <= 0) return;
      const refusal = this.serving.stopRefusal();
      if (refusal !== undefined) throw refusal;
    }
  }
}
