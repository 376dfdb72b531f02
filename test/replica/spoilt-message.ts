// Messages between replicas that nobody could have sent, made of genuine ones: a field, however deep, of a wrong kind, left out, or a
// number that it cannot hold.

import type { Prng } from "../../internal/base/prng.ts";
import type { OwnMessage } from "../../internal/replica/message-check.ts";

const noNumbers: readonly unknown[] = [undefined, null, "1", true, {}, [], 1n];
const badNumbers: readonly unknown[] = [Number.NaN, -1, 0.5, 2 ** 53, 2 ** 60, Infinity, -Infinity];
const noFlags: readonly unknown[] = [undefined, null, 0, 1, "true", {}];
const noBytes: readonly unknown[] = [undefined, null, 7, "because", {}, []];
const noLists: readonly unknown[] = [undefined, null, 3, "1,2,3", {}, [null], [undefined], ["1"], [{}]];
const noObjects: readonly unknown[] = [null, 7, "one", true, {}, []];
const noTypes: readonly unknown[] = [undefined, null, 0, "", "Salvage", "__proto__", "constructor"];
const noMessages: readonly unknown[] = [undefined, null, 0, "chunk", true, [], {}];

type Fields = Readonly<Record<string, unknown>>;

export function spoilOwn(random: Prng, genuine: OwnMessage): OwnMessage {
  const bad = random.chance(1, 40) ? random.pick(noMessages) : spoilt(random, { ...genuine });
  return bad as OwnMessage;
}

function spoilt(random: Prng, whole: Fields): Fields {
  const name = random.pick(Object.keys(whole));
  return { ...whole, [name]: wrongValue(random, name, whole[name]) };
}

function wrongValue(random: Prng, name: string, value: unknown): unknown {
  if (name === "type") return random.pick(noTypes);
  if (name === "key") return random.pick([...noBytes, new Uint8Array(0), new Uint8Array(1025)]);
  if (typeof value === "number") return random.pick(random.chance(1, 2) ? noNumbers : badNumbers);
  if (typeof value === "boolean") return random.pick(noFlags);
  if (value instanceof Uint8Array) return random.pick(noBytes);
  if (Array.isArray(value)) return wrongList(random, value);
  if (value === undefined) return random.pick(noObjects);
  return random.chance(1, 4) ? random.pick(noObjects) : spoilt(random, value as Fields);
}

function wrongList(random: Prng, list: readonly unknown[]): unknown {
  if (list.length === 0 || random.chance(1, 4)) return random.pick(noLists);
  const at = random.below(list.length);
  return list.map((held, which) => (which === at ? spoilt(random, { ...(held as Fields) }) : held));
}
