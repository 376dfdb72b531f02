// A node of a trial: one process after the other, each with a network of its own, and a host that holds the network to what it
// promises of `up` and `down`.

import assert from "node:assert/strict";
import { nodeId, type NodeId } from "../../../internal/base/ids.ts";
import type { IncomingRequest, NetworkHost, Peer } from "../../../internal/platform/network.ts";
import { NodeClock } from "../virtual-time.ts";
import { NodeNetwork } from "./node-network.ts";
import type { Trial } from "./trial.ts";

export class TrialNode {
  readonly id: NodeId;
  readonly name: string;
  readonly address: string;
  life = 0;
  isRunning = false;
  clock: NodeClock;
  /** When its last pause ends, or has ended. */
  awakeAt = 0;
  downs = 0;
  private readonly trial: Trial;
  private network: NodeNetwork | undefined;
  private readonly peers = new Map<NodeId, Peer>();
  private readonly ups = new Map<NodeId, { readonly life: number; readonly era: number; readonly at: number }>();
  private eras = 0;
  private readonly ends = new Map<number, number>();
  private held: Promise<void> | undefined;
  private release: () => void = () => undefined;

  constructor(name: string, trial: Trial) {
    this.name = name;
    this.id = nodeId(name);
    this.address = `${name}:1`;
    this.trial = trial;
    this.clock = new NodeClock(trial.time);
  }

  /** Dials everybody, and is dialled by nobody. */
  get isGateway(): boolean {
    return this.name === "gateway";
  }

  start(): void {
    if (this.isRunning) return;
    const { trial, address } = this;
    this.life++;
    this.isRunning = true;
    this.clock = new NodeClock(trial.time);
    this.awakeAt = trial.time.now;
    const { wires, time } = trial;
    const chance = trial.random.split(`${this.name} ${this.life}`);
    const host = this.hostOf(this.life);
    const clock = this.clock;
    this.network = new NodeNetwork({ wires, address, clock, chance });
    void this.network.listen(host);
    for (const other of trial.nodes) if (other !== this && !other.isGateway) this.dial(other);
    this.trial.note(this.life, time.now);
  }

  /** Does it now, if it is there to do it. */
  act(action: () => void): void {
    if (this.isRunning && !this.clock.isPaused) action();
  }

  peer(to: TrialNode): Peer | undefined {
    return this.peers.get(to.id);
  }

  connection(to: NodeId): { readonly era: number; readonly at: number } {
    return this.ups.get(to) ?? { era: 0, at: Infinity };
  }

  upLife(of: NodeId): number | undefined {
    return this.ups.get(of)?.life;
  }

  /** When a process of it ended. */
  endOf(life: number): number | undefined {
    return this.ends.get(life);
  }

  end(how: "killed" | "power cut" | "stopped", milliseconds: number): void {
    if (!this.isRunning || (how === "stopped" && this.clock.isPaused)) return;
    if (how === "stopped") void this.network?.close();
    this.isRunning = false;
    this.clock.isDead = true;
    if (how !== "stopped") this.network?.crash(how === "power cut");
    this.network = undefined;
    this.peers.clear();
    this.ups.clear();
    this.release();
    this.ends.set(this.life, this.trial.time.now);
    this.trial.time.after(milliseconds, () => this.start());
  }

  pause(milliseconds: number): void {
    this.clock.pause(milliseconds);
    this.awakeAt = Math.max(this.awakeAt, this.trial.time.now + milliseconds);
  }

  /** It takes nothing for a while. */
  hold(milliseconds: number): void {
    if (this.held !== undefined) return;
    this.held = new Promise((resolve) => {
      this.release = () => {
        this.held = undefined;
        resolve();
      };
    });
    this.trial.time.after(milliseconds, () => this.release());
  }

  /** It closes a peer, and dials it again. */
  forget(other: TrialNode): void {
    const peer = this.peers.get(other.id);
    if (peer === undefined) return;
    this.act(() => {
      peer.close();
      assert.equal(this.upLife(other.id), undefined, "closed, and still up");
      this.dial(other);
    });
  }

  heal(): void {
    this.release();
    this.start();
  }

  private message(from: NodeId, payload: Uint8Array): Promise<void> | void {
    this.trial.arrived(this, from, payload);
    payload.fill(0);
    return this.held;
  }

  private request(from: NodeId, request: IncomingRequest): void {
    assert.ok(this.ups.has(from), "a request of a process that is not up");
    this.trial.serve(this, request);
  }

  private up(node: NodeId, life: number): void {
    assert.equal(this.ups.get(node), undefined, `${this.name} was told twice that ${node} is up`);
    this.ups.set(node, { life, era: ++this.eras, at: this.trial.time.now });
    this.trial.note(life, this.trial.time.now);
  }

  private down(node: NodeId, life: number): void {
    assert.equal(this.ups.get(node)?.life, life, `${this.name} was told that a process of ${node} is down`);
    this.ups.delete(node);
    this.downs++;
  }

  private dial(other: TrialNode): void {
    const peer = this.network?.peer(other.id, other.address);
    if (peer !== undefined) this.peers.set(other.id, peer);
  }

  /** What a process of this node hears. After its end it hears nothing. */
  private hostOf(life: number): NetworkHost {
    const check = (): void => {
      assert.ok(this.isRunning && this.life === life, "told to a process that has ended");
      assert.ok(!this.clock.isPaused, "told to a process that is paused");
    };
    return {
      identity: () => ({ node: this.id, cluster: "c1", life }),
      refusal: () => undefined,
      message: (from, payload) => {
        check();
        return this.message(from, payload);
      },
      request: (from, request) => {
        check();
        this.request(from, request);
      },
      visit: () => assert.fail("nobody visits"),
      up: (node, of) => {
        check();
        this.up(node, of);
      },
      down: (node, of) => {
        check();
        this.down(node, of);
      },
    };
  }
}
