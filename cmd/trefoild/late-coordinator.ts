// The coordinator that edges have before the node is open, so that a starting process can already be asked how it is: whoever asks for
// more waits, to the end of his time at most. From then on it hands everything to the node's own.

import { TrefoilError } from "../../internal/base/errors.ts";
import type { NodeId } from "../../internal/base/ids.ts";
import type {
  Caller,
  ClusterView,
  Coordinator,
  Explanation,
  GetAnswer,
  GetRequest,
  ListAnswer,
  ListRequest,
  WriteAnswer,
  WriteRequest,
} from "../../internal/node/requests.ts";
import type { Clock, Scheduler } from "../../internal/platform/clock.ts";

export class LateCoordinator implements Coordinator {
  readonly node: NodeId;
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private opened: Coordinator | undefined;
  private readonly waiting = new Set<() => void>();

  constructor(node: NodeId, clock: Clock, scheduler: Scheduler) {
    this.node = node;
    this.clock = clock;
    this.scheduler = scheduler;
  }

  opens(coordinator: Coordinator): void {
    this.opened = coordinator;
    for (const wake of this.waiting) wake();
  }

  now(): number {
    return this.clock.monotonicMilliseconds();
  }

  getNow(request: GetRequest): GetAnswer | undefined {
    return this.opened?.getNow(request);
  }

  get(request: GetRequest, caller: Caller): Promise<GetAnswer> {
    return this.by(caller, (opened) => opened.get(request, caller));
  }

  write(request: WriteRequest, caller: Caller): Promise<WriteAnswer> {
    return this.by(caller, (opened) => opened.write(request, caller));
  }

  list(request: ListRequest, caller: Caller): Promise<ListAnswer> {
    return this.by(caller, (opened) => opened.list(request, caller));
  }

  explain(key: Uint8Array, caller: Caller): Promise<Explanation> {
    return this.by(caller, (opened) => opened.explain(key, caller));
  }

  cluster(caller: Caller): Promise<ClusterView> {
    return this.by(caller, (opened) => opened.cluster(caller));
  }

  private by<T>(caller: Caller, call: (opened: Coordinator) => Promise<T>): Promise<T> {
    return this.opened === undefined ? this.present(caller).then(call) : call(this.opened);
  }

  private async present({ deadline }: Caller): Promise<Coordinator> {
    if (this.opened === undefined) await this.whenOpenOr(deadline - this.now());
    if (this.opened !== undefined) return this.opened;
    throw new TrefoilError("starting", "this node still reads its log; try again, or ask another node");
  }

  private whenOpenOr(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.waiting.delete(wake);
        resolve();
      };
      const timer = this.scheduler.after(milliseconds, wake);
      this.waiting.add(wake);
    });
  }
}
