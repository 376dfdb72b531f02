// The listener: sockets of our own, handed to the library's server, so that they can be counted and cut. close(): no new connections;
// those there are told to go elsewhere, end with the last of their calls, and are cut after a while.

import { createServer } from "node:net";
import type { AddressInfo, Server as SocketServer, Socket } from "node:net";
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from "@grpc/grpc-js";
import type { ChannelOptions, ConnectionInjector, ServiceDefinition } from "@grpc/grpc-js";
import type { Call, CallStream } from "./call.ts";
import { messageBytesMax } from "./limits.ts";
import type { KvLimits } from "./limits.ts";

/** Where to listen; port 0: any that is free. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

type Methods = Readonly<Record<string, (stream: CallStream) => void>>;

const passBytes = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** No Buffer goes further, nor any view made of one: its `slice` makes no copy, which everybody else counts on. */
const takeBytes = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// The library would write its own lines on stderr; whatever they tell arrives as a status or an error too.
setLogVerbosity(logVerbosity.NONE);

/** Where TLS comes in. */
const credentials = (): ServerCredentials => ServerCredentials.createInsecure();

export class KvListener {
  private readonly limits: KvLimits;
  private readonly grpc: Server;
  private readonly sockets: SocketServer;
  private readonly injector: ConnectionInjector;
  /** By the address of their other end, as the library names it. */
  private readonly connections = new Map<string, Socket>();
  private empty: (() => void) | undefined;

  constructor(limits: KvLimits) {
    this.limits = limits;
    this.grpc = new Server(serverOptions(limits));
    this.injector = this.grpc.createConnectionInjector(credentials());
    this.sockets = createServer({ noDelay: true }, (socket) => this.connected(socket));
    this.sockets.maxConnections = limits.connectionsMax;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /** Every method as a stream both ways: the wire is the same, and calls are known from their beginning. */
  add(service: string, methods: Methods): void {
    const definition: Record<string, ServiceDefinition[string]> = {};
    for (const name of Object.keys(methods)) {
      definition[name] = {
        path: `/${service}/${name}`,
        requestStream: true,
        responseStream: true,
        requestSerialize: passBytes,
        requestDeserialize: takeBytes,
        responseSerialize: passBytes,
        responseDeserialize: takeBytes,
      };
    }
    this.grpc.addService(definition, methods);
  }

  /** The address that it listens on now. */
  async listen({ host, port }: ListenAddress): Promise<ListenAddress> {
    await new Promise<void>((resolve, reject) => {
      this.sockets.once("error", reject);
      this.sockets.listen({ host, port }, () => {
        this.sockets.off("error", reject);
        resolve();
      });
    });
    const { address, port: taken } = this.sockets.address() as AddressInfo;
    return { host: address, port: taken };
  }

  /** Whoever does not take his answer cannot be told anything else. */
  cut(call: Call): void {
    this.connections.get(call.stream.getPeer())?.destroy();
  }

  /** Calls under way may end; `idle` says that they have. Then nothing is left. */
  async close(idle: Promise<void>): Promise<void> {
    const { stopMilliseconds, lingerMilliseconds } = this.limits;
    const cut = (): void => {
      for (const socket of this.connections.values()) socket.destroy();
    };
    let timer: NodeJS.Timeout | undefined = setTimeout(cut, stopMilliseconds);
    void idle.then(() => {
      if (timer === undefined) return;
      clearTimeout(timer);
      timer = setTimeout(cut, lingerMilliseconds);
    });
    this.sockets.close();
    this.injector.drain(stopMilliseconds);
    if (this.connections.size > 0) {
      await new Promise<void>((resolve) => {
        this.empty = resolve;
      });
    }
    clearTimeout(timer);
    timer = undefined;
    this.injector.destroy();
  }

  private connected(socket: Socket): void {
    const name = `${socket.remoteAddress}:${socket.remotePort}`;
    this.connections.set(name, socket);
    socket.once("close", () => {
      this.connections.delete(name);
      if (this.connections.size === 0) this.empty?.();
    });
    this.injector.injectConnection(socket);
  }
}

function serverOptions(limits: KvLimits): ChannelOptions {
  return {
    "grpc.max_receive_message_length": messageBytesMax(limits),
    "grpc.max_concurrent_streams": limits.streamsMax,
    "grpc.max_connection_idle_ms": limits.idleMilliseconds,
    "grpc.keepalive_time_ms": limits.keepaliveMilliseconds,
    "grpc.keepalive_timeout_ms": limits.keepaliveMilliseconds,
    "grpc.enable_channelz": 0,
  };
}
