// A stamp is hybrid logical time in one number: milliseconds since 1970 times 1024, plus a count
// within the millisecond. A count that overflows simply carries into the milliseconds, which is what
// a hybrid clock does anyway. 2^53 is reached in the year 2248, so a ttl of 100 years fits.
// Expiries are in the same unit, so that a stamp and an expiry compare with `<=`.

declare const brand: unique symbol;
export type Stamp = number & { readonly [brand]: "Stamp" };

export const stampsPerMillisecond = 1024;
export const stampMax = Number.MAX_SAFE_INTEGER as Stamp;
/** Of a wall clock that is believed, in the year 2147: the longest ttl on top of it is a stamp. */
export const wallMillisecondsMax = 5_600_000_000_000;
/** As an expiry: never expires. As a stamp: before everything. */
export const stampZero = 0 as Stamp;
export const neverExpires = stampZero;

export const stamp = (value: number): Stamp => value as Stamp;

export function stampOfMilliseconds(milliseconds: number): Stamp {
  return (milliseconds * stampsPerMillisecond) as Stamp;
}

export function millisecondsOfStamp(value: Stamp): number {
  return Math.floor(value / stampsPerMillisecond);
}

/** Whether a record with this expiry is gone at `now`. */
export function isExpired(expiry: Stamp, now: Stamp): boolean {
  return expiry !== neverExpires && expiry <= now;
}
