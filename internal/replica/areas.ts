// How a group's records lie in the engine, under its incarnation. The first byte of a key says whose it is:
//
//   0x00 ...   the group's own: what apply reads beside users' records (group-state.ts)
//   0x01 key   users' records
//
// So one iteration over the incarnation, a snapshot, carries all of it.

export const areaBytes = 1;
export const systemArea = 0;
export const userArea = 1;

/** The engine's key of a user's key. */
export function userRecordKey(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(areaBytes + key.length);
  bytes[0] = userArea;
  bytes.set(key, areaBytes);
  return bytes;
}
