// The machines of a simulated cluster and the wires between them.

import type { NodeId } from "../../../internal/base/ids.ts";
import { nodeId } from "../../../internal/base/ids.ts";
import type { Prng } from "../../../internal/base/prng.ts";
import type { LogFields, Logger } from "../../../internal/platform/logger.ts";
import { Wires } from "../network/wires.ts";
import type { Trace } from "../trace.ts";
import { VirtualTime } from "../virtual-time.ts";
import type { ClusterLimits } from "./cluster-limits.ts";
import { addressOf, Machine } from "./machine.ts";
import type { MachineParts } from "./machine.ts";
import type { ClusterSighting } from "./met.ts";
import { Met } from "./met.ts";

export class SimWorld {
  readonly time = new VirtualTime();
  readonly met = new Met<ClusterSighting>();
  readonly wires: Wires;
  readonly machines: readonly Machine[];
  readonly limits: ClusterLimits;
  /** Milliseconds by which a wall clock was off at most, and one for rounding. */
  clockError = 1;
  /** Of the newest map that any node ever had. */
  epoch = 0;
  /** A disk that something was on got lost, with what it alone had. */
  hasLostDisks = false;
  private readonly restarts: Prng;

  constructor(random: Prng, limits: ClusterLimits, trace: Trace | undefined) {
    this.limits = limits;
    this.restarts = random.split("restarts");
    const { time, met } = this;
    // Replicas bear whatever comes twice, late, or in another order.
    this.wires = new Wires({ time, chance: random.split("wires"), mayScatter: () => true });
    const { wires } = this;
    const logger = trace && ((name: string): Logger => tellingLogger(time, trace, name));
    const peers = new Map(limits.names.map((name): [NodeId, string] => [nodeId(name), addressOf(name)]));
    const onEnd = (ended: Machine): void => this.restartLater(ended, this.restarts.between(10, 4000));
    const machineOf = (name: string, known: Pick<MachineParts, "peers" | "seeds">): Machine => {
      const own = random.split(`machine ${name}`);
      return new Machine({ name, ...known, time, wires, random: own, limits, met, logger, onEnd });
    };
    const founded = limits.names.map((name) => machineOf(name, { peers, seeds: [] }));
    const { joiner } = limits;
    const joined = joiner === undefined ? [] : [machineOf(joiner, { peers: new Map(), seeds: [...peers.values()] })];
    this.machines = [...founded, ...joined];
  }

  get up(): Machine[] {
    return this.machines.filter(({ node }) => node !== undefined);
  }

  restartLater(machine: Machine, milliseconds: number): void {
    this.time.after(milliseconds, () => machine.start());
  }

  setClock(machine: Machine, milliseconds: number, driftPerMille = 0): void {
    machine.clockError.set(this.time.now, milliseconds, driftPerMille);
    this.noteClocks();
  }

  noteClocks(): void {
    for (const { clockError } of this.machines) {
      this.clockError = Math.max(this.clockError, 1 + Math.abs(clockError.at(this.time.now)));
    }
  }

  /** Something failed that a client met. True: what was done to a disk explains it. */
  explains(failure: unknown): boolean {
    for (const machine of this.machines) {
      if (machine.disk.explains(failure) === undefined) continue;
      machine.report(failure);
      return true;
    }
    return false;
  }

  /** Nothing goes wrong any more, and everybody who is not held down comes back. */
  heal(): void {
    this.noteClocks();
    this.wires.heal();
    for (const machine of this.machines) {
      machine.disk.heal();
      machine.clockError.set(this.time.now, 0);
      machine.start();
    }
  }
}

function tellingLogger(time: VirtualTime, trace: Trace, name: string): Logger {
  const say = (message: string, fields?: LogFields): void => {
    trace.note(time.now, `${name} says: ${message}${fields === undefined ? "" : ` ${JSON.stringify(fields)}`}`);
  };
  return { info: say, warn: say, error: say };
}
