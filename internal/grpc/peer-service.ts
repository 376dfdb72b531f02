// The gRPC side: service, channel options, credentials. Frames pass through gRPC as bytes and are coded by
// peer-protocol.ts, so that damaged ones are met there and not in a callback of the library.

import {
  Client,
  credentials,
  logVerbosity,
  ServerCredentials,
  setLogVerbosity,
  type ChannelCredentials,
  type ChannelOptions,
  type ClientDuplexStream,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { frameBytesMax } from "../platform/network.ts";
import type { TransportLimits } from "./limits.ts";

const passBytes = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
/** No Buffer goes further, nor any view made of one: its `slice` makes no copy, which everybody else counts on. */
const takeBytes = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

// The library would write its own lines on stderr; whatever they tell arrives as a status or an error too.
setLogVerbosity(logVerbosity.NONE);

export const peersService = {
  exchange: {
    path: "/trefoil.v1.Peers/Exchange",
    requestStream: true,
    responseStream: true,
    requestSerialize: passBytes,
    requestDeserialize: takeBytes,
    responseSerialize: passBytes,
    responseDeserialize: takeBytes,
  },
} as const satisfies ServiceDefinition;

/** Where TLS between nodes comes in: both sides in one place. */
export const peerCredentials = {
  server: (): ServerCredentials => ServerCredentials.createInsecure(),
  client: (): ChannelCredentials => credentials.createInsecure(),
};

export function serverOptions(limits: TransportLimits): ChannelOptions {
  return {
    "grpc.max_receive_message_length": frameBytesMax,
    "grpc.keepalive_time_ms": limits.keepaliveMilliseconds,
    "grpc.keepalive_timeout_ms": limits.keepaliveMilliseconds,
    // A connection carries one stream. Without any it is nobody's: of a client that is closed while it waits to try again, the
    // library tries once more, and keeps what comes of it.
    "grpc.max_concurrent_streams": 4,
    "grpc.max_connection_idle_ms": limits.unusedMilliseconds,
    // Without channelz the library does not know its connections, and leaves them open when the server is shut down.
    "grpc.enable_channelz": 1,
  };
}

function channelOptions(limits: TransportLimits): ChannelOptions {
  return {
    "grpc.max_receive_message_length": frameBytesMax,
    "grpc-node.flow_control_window": limits.windowBytes,
    "grpc.keepalive_time_ms": limits.keepaliveMilliseconds,
    "grpc.keepalive_timeout_ms": limits.keepaliveMilliseconds,
    // Each stream has a connection of its own, and dialling again is the dialler's, not the library's.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.initial_reconnect_backoff_ms": limits.redialMillisecondsLeast,
    "grpc.max_reconnect_backoff_ms": limits.redialMillisecondsMost,
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_channelz": 0,
  };
}

/** A connection of its own with one stream. */
export class PeerCall {
  readonly stream: ClientDuplexStream<Uint8Array, Uint8Array>;
  private readonly client: Client;

  constructor(address: string, limits: TransportLimits) {
    this.client = new Client(address, peerCredentials.client(), channelOptions(limits));
    const { path, requestSerialize, responseDeserialize } = peersService.exchange;
    this.stream = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  }

  /** The connection ends with its stream. */
  release(): void {
    this.client.close();
  }
}
