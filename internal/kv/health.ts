// grpc.health.v1.Health: whether this node may be given work. It follows the node's readiness, for the server as a whole and for
// each service alike.

import { TrefoilError } from "../base/errors.ts";
import type { Call, CallStream } from "./call.ts";
import { decodeMessage, encodeMessage } from "./messages.ts";
import { healthFile, parseProto } from "./proto-files.ts";
import type { Serving } from "./serving.ts";

const root = parseProto(healthFile, false);
const requestType = root.lookupType("grpc.health.v1.HealthCheckRequest");
const responseType = root.lookupType("grpc.health.v1.HealthCheckResponse");

const health = { serving: 1, notServing: 2, serviceUnknown: 3 } as const;

interface Watcher {
  readonly call: Call;
  readonly isKnown: boolean;
  told: number | undefined;
  end: () => void;
}

export class Health {
  private readonly serving: Serving;
  private readonly services: ReadonlySet<string>;
  private readonly isReady: () => boolean;
  private readonly watchers = new Set<Watcher>();

  constructor(serving: Serving, services: Iterable<string>, isReady: () => boolean) {
    this.serving = serving;
    this.services = new Set(["", ...services]);
    this.isReady = isReady;
  }

  get methods(): Readonly<Record<string, (stream: CallStream) => void>> {
    return {
      Check: (stream) => this.serving.serveBrief(stream, (call) => this.check(call)),
      Watch: (stream) => this.serving.serveLong(stream, (call) => this.watch(call)),
    };
  }

  /** Tells watchers what has changed. */
  look(): void {
    for (const watcher of this.watchers) this.tell(watcher);
  }

  /** Tells watchers that the node stops, and ends their calls. */
  close(): void {
    this.look();
    for (const { end } of this.watchers) end();
  }

  private async check(call: Call): Promise<void> {
    const service = await this.serviceOf(call);
    if (!this.services.has(service)) throw new TrefoilError("not_found", "this service is not served here");
    call.answer(encodeMessage(responseType, { status: this.present }));
  }

  private async watch(call: Call): Promise<void> {
    const isKnown = this.services.has(await this.serviceOf(call));
    await new Promise<void>((resolve) => {
      const watcher: Watcher = { call, isKnown, told: undefined, end: resolve };
      this.watchers.add(watcher);
      const leave = (): void => {
        this.watchers.delete(watcher);
        resolve();
      };
      call.signal.addEventListener("abort", leave, { once: true });
      watcher.end = leave;
      this.tell(watcher);
      if (this.serving.isStopping) leave();
    });
    call.finish();
  }

  /** One that has not taken the last news gets the newest afterwards, not all in between. */
  private tell(watcher: Watcher): void {
    const { call } = watcher;
    const news = watcher.isKnown ? this.present : health.serviceUnknown;
    if (news === watcher.told || call.untakenSince !== undefined) return;
    watcher.told = news;
    void call.send(encodeMessage(responseType, { status: news }));
  }

  private get present(): number {
    return this.isReady() && !this.serving.isStopping ? health.serving : health.notServing;
  }

  private async serviceOf(call: Call): Promise<string> {
    const bytes = await this.serving.receive(call);
    return (decodeMessage(requestType, bytes) as { readonly service: string }).service;
  }
}
