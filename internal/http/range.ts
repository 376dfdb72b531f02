// One range of bytes of a value, as `Range` asks for it. Several are refused, since nothing here is big enough to be worth the
// parts of a multipart answer; units other than bytes are none of ours and ignored.

export type RangeVerdict =
  | { readonly kind: "whole" }
  | { readonly kind: "part"; readonly start: number; readonly end: number }
  | { readonly kind: "refused"; readonly detail: string };

const whole: RangeVerdict = { kind: "whole" };

/** The part [start, end) of `length` bytes. */
export function readRange(text: string | undefined, length: number): RangeVerdict {
  if (text === undefined || !/^bytes\s*=/i.test(text)) return whole;
  const match = /^bytes\s*=\s*(\d*)-(\d*)$/i.exec(text);
  if (match === null || match[0].endsWith("=-")) {
    return refused("a Range is bytes=<first>-<last>, bytes=<first>- or bytes=-<count>, and one only");
  }
  const [, first, last] = match as unknown as readonly [string, string, string];
  if (first === "") return part(Math.max(0, length - Number(last)), length, length);
  if (last !== "" && Number(last) < Number(first)) return refused(`the Range ends before it begins`);
  return part(Number(first), last === "" ? length : Math.min(length, Number(last) + 1), length);
}

function part(start: number, end: number, length: number): RangeVerdict {
  if (start < end) return { kind: "part", start, end };
  return refused(`the value has ${length} bytes, and the Range none of them`);
}

function refused(detail: string): RangeVerdict {
  return { kind: "refused", detail };
}
