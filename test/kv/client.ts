// A client of the public service as others write theirs: @grpc/grpc-js, and messages as a proto file names them. Nothing of the
// server's own code is in it.

import { fileURLToPath } from "node:url";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import type {
  CallOptions,
  ChannelOptions,
  ClientDuplexStream,
  ClientReadableStream,
  ClientUnaryCall,
  ServiceError,
} from "@grpc/grpc-js";
import protobuf from "protobufjs";

/** Seen from the compiled file: dist/test/kv/. */
const folder = new URL("../../../proto/", import.meta.url);

export type Fields = Record<string, unknown>;

/** What is known from the files. `keepCase`: names as in the file, not as JSON has them. */
export function rootOfFiles(keepCase = true): protobuf.Root {
  const files = ["trefoil/v1/kv.proto", "grpc/health/v1/health.proto", "grpc/reflection/v1/reflection.proto"];
  const paths = files.map((file) => fileURLToPath(new URL(file, folder)));
  return new protobuf.Root().loadSync(paths, { keepCase }).resolveAll() as protobuf.Root;
}

export interface Asking {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly options?: CallOptions;
}

/** The status of a call that failed, with its trailers. */
export interface Refused {
  readonly code: number;
  readonly details: string;
  readonly trailers: Metadata;
}

interface Coding {
  readonly path: string;
  encode(request: Fields): Buffer;
  decode(bytes: Buffer): Fields;
}

export class KvClient {
  readonly channel: Client;
  private readonly root: protobuf.Root;
  private readonly shown: protobuf.IConversionOptions;

  constructor(
    port: number,
    options: ChannelOptions = {},
    root: protobuf.Root = rootOfFiles(),
    shown: protobuf.IConversionOptions = { longs: Number, enums: String },
  ) {
    this.root = root;
    this.shown = shown;
    this.channel = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      ...options,
    });
  }

  close(): void {
    this.channel.close();
  }

  /** `name`: "Put", or with its service in front. Rejects with a ServiceError. */
  call(name: string, request: Fields, asking: Asking = {}): Promise<Fields> {
    return new Promise((resolve, reject) => {
      this.start(name, request, asking, (failure, answer) => {
        if (failure === null) resolve(answer ?? {});
        else reject(failure);
      });
    });
  }

  start(
    name: string,
    request: Fields,
    asking: Asking,
    done: (failure: ServiceError | null, answer?: Fields) => void,
  ): ClientUnaryCall {
    const { path, encode, decode } = this.coding(name);
    return this.channel.makeUnaryRequest(path, encode, decode, request, metadataOf(asking), asking.options ?? {}, done);
  }

  /** The failure of a call that must fail. */
  async refused(name: string, request: Fields, asking: Asking = {}): Promise<Refused> {
    const answer = await this.call(name, request, asking).catch(refusedOf);
    if ("trailers" in answer) return answer as Refused;
    throw new Error(`${name} was answered: ${JSON.stringify(answer)}`);
  }

  stream(name: string, request: Fields, asking: Asking = {}): ClientReadableStream<Fields> {
    const { path, encode, decode } = this.coding(name);
    return this.channel.makeServerStreamRequest(
      path,
      encode,
      decode,
      request,
      metadataOf(asking),
      asking.options ?? {},
    );
  }

  duplex(name: string): ClientDuplexStream<Fields, Fields> {
    const { path, encode, decode } = this.coding(name);
    return this.channel.makeBidiStreamRequest(path, encode, decode);
  }

  private coding(name: string): Coding {
    const full = name.includes("/") ? name : `trefoil.v1.KV/${name}`;
    const [service, method] = full.split("/") as [string, string];
    const found = this.root.lookupService(service).methods[method] as protobuf.Method;
    const { resolvedRequestType, resolvedResponseType } = found;
    return {
      path: `/${full}`,
      encode: (request) => encoded(resolvedRequestType as protobuf.Type, request),
      decode: (bytes) => {
        const type = resolvedResponseType as protobuf.Type;
        return type.toObject(type.decode(bytes), this.shown);
      },
    };
  }
}

/** One that shows messages as tools do: bytes as base64, 64 bits as text. */
export function jsonClient(port: number): KvClient {
  return new KvClient(port, {}, rootOfFiles(false), { longs: String, enums: String, bytes: String });
}

/** Tools leave out what was sent and has its default. */
export function withoutDefaults(shown: unknown): unknown {
  if (Array.isArray(shown)) return shown.map(withoutDefaults);
  if (typeof shown !== "object" || shown === null) return shown;
  const sent = Object.entries(shown).filter(([, value]) => value !== false && value !== "");
  return Object.fromEntries(sent.map(([name, value]) => [name, withoutDefaults(value)]));
}

function encoded(type: protobuf.Type, fields: Fields): Buffer {
  return Buffer.from(type.encode(type.fromObject(fields)).finish());
}

export function refusedOf(failure: unknown): Refused {
  const { code, details, metadata } = failure as ServiceError;
  if (typeof code !== "number") throw failure;
  return { code, details, trailers: metadata };
}

function metadataOf({ metadata = {} }: Asking): Metadata {
  const made = new Metadata();
  for (const [name, value] of Object.entries(metadata)) made.set(name, value);
  return made;
}
