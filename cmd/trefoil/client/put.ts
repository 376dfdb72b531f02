// `trefoil put`: a value from the command line, a file or standard input, and what the cluster says of it.

import { open } from "node:fs/promises";
import process from "node:process";
import { TrefoilError } from "../../../internal/base/errors.ts";
import { valueBytesMax } from "../../../internal/base/limits.ts";
import { consistencyOf, ttlOf } from "../../../internal/http/parameters.ts";
import { exitCodes } from "../failure.ts";
import { keyOf, keyPath, textBytes } from "./key.ts";
import { printReport } from "./report.ts";
import { inSession } from "./session.ts";
import type { SessionOptions } from "./session.ts";
import { conditionHeaders, printable } from "./write-headers.ts";
import type { WriteOptions } from "./write-headers.ts";
import { writtenReport } from "./written.ts";

export interface PutOptions extends SessionOptions, WriteOptions {
  readonly key64?: boolean;
  readonly file?: string;
  readonly ttl?: string;
  readonly consistency?: string;
  readonly ifNoneMatch?: boolean;
  readonly contentType?: string;
}

/** `value` undefined: the options say where it is. */
export function put(keyText: string, value: string | undefined, options: PutOptions): Promise<number> {
  return inSession(options, async ({ client, form, screen }) => {
    const key = keyOf(keyText, options.key64 === true);
    const { ttl, consistency } = options;
    consistencyOf(consistency);
    if (ttl !== undefined) ttlOf(ttl);
    const headers = conditionHeaders(options);
    const { bytes, contentType } = await valueOf(value, options);
    if (contentType !== undefined) headers["Content-Type"] = printable(contentType, "--content-type");
    const answer = await client.ask({
      method: "PUT",
      path: keyPath(key),
      // What is given is stored, whatever it looks like.
      query: { ttl, consistency, raw: "1" },
      headers,
      body: bytes,
      mayRepeat: options.idempotencyKey !== undefined,
    });
    await printReport(screen, form ?? "table", writtenReport(answer));
    return exitCodes.ok;
  });
}

interface GivenValue {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
}

const typedText = "text/plain; charset=utf-8";

async function valueOf(value: string | undefined, { file, contentType }: PutOptions): Promise<GivenValue> {
  if ((value === undefined) === (file === undefined)) {
    const what = value === undefined ? "there is no value" : "there are two values";
    throw new TrefoilError("bad_request", `${what}: give one behind the key, or - for standard input, or --file PATH`);
  }
  if (file !== undefined) return { bytes: await fileBytes(file), contentType };
  if (value === "-") return { bytes: await allOf(process.stdin, "standard input"), contentType };
  const bytes = textBytes(value ?? "", "the value", "give it on standard input with -, or with --file");
  return { bytes, contentType: contentType ?? typedText };
}

async function fileBytes(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path);
    return await allOf(file.createReadStream(), path);
  } catch (failure) {
    if (failure instanceof TrefoilError) throw failure;
    const { code, message } = failure as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "there is no such file" : message;
    throw new TrefoilError("bad_request", `--file ${path}: ${what}`, { cause: failure });
  }
}

/** No cluster takes more than so many bytes, whatever it is set to. */
async function allOf(stream: AsyncIterable<unknown>, name: string): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    parts.push(part);
    length += part.length;
    if (length <= valueBytesMax) continue;
    throw new TrefoilError("too_large", `${name} has more than ${valueBytesMax} bytes, more than any value has`);
  }
  return Buffer.concat(parts);
}
