// What lies behind the last sound edit of a manifest when no frame follows anywhere: what a crash left of the
// append that was under way, or an edit that was whole once and has been damaged since.
//
// An append that was not synced may miss any of its sectors, each apart from the others. One that is missing lies
// behind the end of the file or reads as zeros: a hole. So bytes with a hole in them are torn, and what they would have
// changed never counted. Bytes without one were all written. Either they are damaged, and what they changed did
// count, or the file system filled new space with garbage, and it did not. Nobody can tell the two apart, so these
// are doubtful: they do not count, and nothing that they may have named is removed.
//
// A hole that was always there, zeros in a key, hides damage elsewhere in such an edit: it is taken for torn.

import { writeU32 } from "../../base/codec.ts";
import { frameHeaderBytes, nextFrame, readFrameHead } from "./manifest-format.ts";

export type ManifestTail = "none" | "torn" | "doubtful";

const sectorBytes = 512;

/** REQUIRES: the sound frames end at `end`, where that with `number` should begin, and none is found behind it. */
export function tailOf(bytes: Uint8Array, end: number, number: number): ManifestTail {
  if (end >= bytes.length) return "none";
  if (end + frameHeaderBytes > bytes.length) return "torn";
  const head = readFrameHead(bytes, end);
  const isHead = head.hasMagic && head.number === number && head.position === end;
  const frameEnd = isHead ? end + frameHeaderBytes + head.length : bytes.length;
  if (frameEnd > bytes.length) return isWholeButForLength(bytes, end) ? "doubtful" : "torn";
  return hasHole(bytes, end, frameEnd) ? "torn" : "doubtful";
}

/** Whether a frame of the bytes that there are is sound. */
function isWholeButForLength(bytes: Uint8Array, at: number): boolean {
  const mended = bytes.slice();
  writeU32(mended, at + 4, bytes.length - at - frameHeaderBytes);
  return nextFrame(mended, at)?.at === at;
}

function hasHole(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to;) {
    const next = Math.min(to, at - (at % sectorBytes) + sectorBytes);
    if (bytes.subarray(at, next).every((byte) => byte === 0)) return true;
    at = next;
  }
  return false;
}
