// A file of JSON, with its checksum in a line below: a digit that turned into another one would be believed otherwise.
//
//   {"format":1,…}
//   crc32 0f3a91c7

import { utf8, utf8Text } from "../base/bytes.ts";
import { crc32 } from "../base/checksum.ts";
import { corruption } from "../base/errors.ts";

const hexDigits = 8;

const sealOf = (json: Uint8Array): string => `\ncrc32 ${crc32(json).toString(16).padStart(hexDigits, "0")}\n`;

export function sealJson(json: Uint8Array): Uint8Array {
  const seal = utf8(sealOf(json));
  const bytes = new Uint8Array(json.length + seal.length);
  bytes.set(json);
  bytes.set(seal, json.length);
  return bytes;
}

/** The JSON of the file at `path`. Throws `corruption` when it is not as it was written. */
export function unsealJson(bytes: Uint8Array, path: string): Uint8Array {
  const end = bytes.lastIndexOf(10, -2);
  const json = bytes.subarray(0, Math.max(end, 0));
  if (end >= 0 && utf8Text(bytes.subarray(end)) === sealOf(json)) return json;
  throw corruption(
    `${path} is damaged: its last line is not the checksum of what stands above; move the folder away, and start the node ` +
      `with an empty one when the others are up: they fill it`,
  );
}
