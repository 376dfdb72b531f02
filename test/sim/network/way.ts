// One direction of a stream: what is put in comes out in order, or not at all once it was dropped.

import type { Hello, Part } from "../../../internal/grpc/peer-protocol.ts";
import type { AddressLink, Wires } from "./wires.ts";

export type Frame =
  /** Of the kernels: nothing is said before both ways are known to be open. */
  | { readonly kind: "connect" | "connected" }
  | { readonly kind: "hello"; readonly hello: Hello }
  | { readonly kind: "parts"; readonly parts: readonly Part[]; readonly bytes: number }
  /** So many bytes were read by the receiver, which may be sent in their place. */
  | { readonly kind: "credit"; readonly bytes: number }
  | { readonly kind: "ping" | "pong"; readonly at: number }
  /** Nothing comes behind it. A reset is seen before whatever was not read yet. */
  | { readonly kind: "end" | "reset"; readonly why: string };

export class Way {
  readonly link: AddressLink;
  /** Of snapshots it is less than what the link bears. */
  bytesPerMillisecondMost = Infinity;
  /** What is sent goes another way by now. */
  isSuperseded = false;
  private readonly wires: Wires;
  private readonly arrive: (frame: Frame) => void;
  private queue: { readonly due: number; readonly frame: Frame }[] = [];
  private readonly moveNow: () => void;
  /** When the last frame arrives. */
  private last = 0;

  constructor(wires: Wires, link: AddressLink, arrive: (frame: Frame) => void) {
    this.wires = wires;
    this.link = link;
    this.arrive = arrive;
    this.moveNow = () => this.move();
  }

  get isEmpty(): boolean {
    return this.queue.length === 0;
  }

  put(frame: Frame): void {
    const { wires, link } = this;
    const bytes = frame.kind === "parts" ? frame.bytes : 0;
    const rate = Math.min(this.bytesPerMillisecondMost, wires.bytesPerMillisecond(link));
    const due = Math.max(this.last, wires.time.now + wires.delay(link)) + bytes / rate;
    this.last = due;
    this.queue.push({ due, frame });
    wires.time.at(due, this.moveNow);
  }

  /** What is on its way is lost. */
  drop(): void {
    this.queue = [];
    this.last = 0;
  }

  /** What is sent from now on comes behind what is on its way there. */
  waitFor(before: Way): void {
    this.last = Math.max(this.last, before.last);
  }

  dropParts(): void {
    this.queue = this.queue.filter(({ frame }) => frame.kind !== "parts");
  }

  /** What is due arrives, unless the link is cut: then it waits for `Wires.mend`. */
  move(): void {
    const { wires } = this;
    for (;;) {
      const first = this.queue[0];
      if (first === undefined || first.due > wires.time.now) return;
      if (wires.isCut(this.link)) {
        wires.note("stalled");
        if (this.isSuperseded) this.dropParts();
        return;
      }
      this.queue.shift();
      this.arrive(first.frame);
    }
  }
}
