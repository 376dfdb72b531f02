// Copies source[start, end) to `target` at `at`. A short range goes byte by byte: the view that `set`
// wants costs as much as some fifty bytes (60 ns either way, measured on Node 20).

const loopBytesMax = 48;

// oxlint-disable-next-line max-params -- a range and a place, without a view of either
export function copyRange(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): void {
  if (end - start > loopBytesMax) {
    target.set(source.subarray(start, end), at);
    return;
  }
  for (; start + 4 <= end; start += 4, at += 4) {
    target[at] = source[start] as number;
    target[at + 1] = source[start + 1] as number;
    target[at + 2] = source[start + 2] as number;
    target[at + 3] = source[start + 3] as number;
  }
  while (start < end) target[at++] = source[start++] as number;
}
