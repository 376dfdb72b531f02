// Copies source[start, end) to `target` at `at`. A short range goes byte by byte, since the view that
// `set` wants costs more than it saves.

export const copyByLoopBytesMax = 96;

// oxlint-disable-next-line max-params -- a range and a place, without a view of either
export function copyRange(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): void {
  if (end - start > copyByLoopBytesMax) {
    target.set(source.subarray(start, end), at);
    return;
  }
  while (start < end) target[at++] = source[start++] as number;
}
