// Both ends of a gRPC stream behind one face: frames in, frames out, and one report of the end.

import { status, type ClientDuplexStream, type ServerDuplexStream } from "@grpc/grpc-js";

export interface Wire {
  /** The first time in the turn in which the wire was made; later it hands over to another listener. */
  listen(listener: WireListener): void;
  /** `done` is called when the connection has taken the frame, never after the end. */
  write(frame: Uint8Array, done: () => void): void;
  /** Nothing more is read, and when the window is full the other side cannot send. */
  pause(): void;
  resume(): void;
  /** Ends the stream at both ends; `why` reaches the other one if it is this side that was called. */
  close(why: string): void;
}

export interface WireListener {
  frame(bytes: Uint8Array): void;
  /** Once; nothing comes after it. */
  closed(why: string): void;
}

type Call = ClientDuplexStream<Uint8Array, Uint8Array> | ServerDuplexStream<Uint8Array, Uint8Array>;

abstract class CallWire implements Wire {
  protected readonly call: Call;
  private listener: WireListener | undefined;
  private isWatched = false;

  constructor(call: Call) {
    this.call = call;
  }

  listen(listener: WireListener): void {
    this.listener = listener;
    if (this.isWatched) return;
    this.isWatched = true;
    this.call.on("data", (bytes: Uint8Array) => this.listener?.frame(bytes));
    this.watchEnd((why) => this.end(why));
  }

  write(frame: Uint8Array, done: () => void): void {
    if (this.listener === undefined) return;
    this.call.write(frame, () => {
      if (this.listener !== undefined) done();
    });
  }

  pause(): void {
    this.call.pause();
  }

  resume(): void {
    this.call.resume();
  }

  close(why: string): void {
    if (this.listener === undefined) return;
    this.hangUp(why);
    this.end(why);
  }

  private end(why: string): void {
    const { listener } = this;
    this.listener = undefined;
    listener?.closed(why);
  }

  protected abstract watchEnd(ended: (why: string) => void): void;
  protected abstract hangUp(why: string): void;
}

/** The dialling end. */
export class ClientWire extends CallWire {
  declare protected readonly call: ClientDuplexStream<Uint8Array, Uint8Array>;

  protected watchEnd(ended: (why: string) => void): void {
    // An error without a listener would end the process; the status that follows it says the same.
    this.call.on("error", () => undefined);
    this.call.on("status", ({ code, details }) =>
      ended(code === status.OK ? "ended by the other side" : withoutFrame(details)),
    );
  }

  protected hangUp(): void {
    this.call.cancel();
  }
}

/** The end that was dialled. */
export class ServerWire extends CallWire {
  declare protected readonly call: ServerDuplexStream<Uint8Array, Uint8Array>;

  protected watchEnd(ended: (why: string) => void): void {
    this.call.on("error", () => undefined);
    this.call.on("cancelled", () => ended("the connection was lost"));
    // The other side sends nothing more, so it has ended, or died: a dead process's connection ends like this too.
    this.call.on("end", () => {
      this.call.end();
      ended("ended by the other side");
    });
    this.call.on("close", () => ended("the connection was lost"));
  }

  protected hangUp(why: string): void {
    // What waits for the connection still goes before the status; a connection that takes nothing ends by its keepalive.
    this.call.emit("error", { code: status.FAILED_PRECONDITION, details: why });
    this.call.resume();
  }
}

/** Of a connection that could not be made the library says much, of which only the system's own words tell anything. */
function withoutFrame(details: string): string {
  return details.replace(/^No connection established\. Last error: (?:Error: )?(.*?)\.? Resolution note:.*$/s, "$1");
}
