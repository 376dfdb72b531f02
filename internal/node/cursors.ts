// Cursors as clients hold them, of every edge and any node: the last key that a page has looked at, and the checksum of it.
//
//   key | masked CRC-32 of it, 4 bytes
//
// So a cursor that was cut, misspelt or made up is refused, where it would else name some other place, and a page begin there without a
// word. One of another prefix is refused as well. It is no secret, and keeps nobody out: whoever computes the checksum goes on from where
// he likes, and sees what he may see anyway.

import { equalBytes } from "../base/bytes.ts";
import { crc32, maskCrc } from "../base/checksum.ts";
import { readU32BigEndian, writeU32BigEndian } from "../base/codec.ts";
import { TrefoilError } from "../base/errors.ts";
import { keyBytesMax } from "../base/limits.ts";

const sealBytes = 4;

export function sealCursor(key: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(key.length + sealBytes);
  sealed.set(key);
  writeU32BigEndian(sealed, key.length, maskCrc(crc32(key)));
  return sealed;
}

/** The key, a part of `sealed`. Throws for what `sealCursor` did not make, and for what no page under this prefix can have given. */
export function openCursor(sealed: Uint8Array, prefix: Uint8Array): Uint8Array {
  const key = sealed.subarray(0, Math.max(0, sealed.length - sealBytes));
  if (key.length === 0 || key.length > keyBytesMax) throw madeUp();
  if (readU32BigEndian(sealed, key.length) !== maskCrc(crc32(key))) throw madeUp();
  if (!equalBytes(key.subarray(0, prefix.length), prefix)) throw ofAnotherPrefix();
  return key;
}

function ofAnotherPrefix(): TrefoilError {
  const detail =
    "this cursor is of a listing under another prefix; give the prefix of the page before with it, or leave the cursor out";
  return new TrefoilError("bad_request", detail);
}

function madeUp(): TrefoilError {
  const detail =
    "no page has given this cursor, or it has lost something on its way; a cursor is what the page before gave, word for word: leave it out at the beginning";
  return new TrefoilError("bad_request", detail);
}
