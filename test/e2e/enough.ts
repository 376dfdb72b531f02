// Whether enough happened in a run for its verdict to say something: a run in which nothing is asked breaks no promise.

import { silenceMilliseconds } from "./drill.ts";
import type { Plan } from "./drill.ts";
import type { ClientCounts } from "./mixed-client.ts";

/** Answered in each minute: some twelve times as many are on an idle machine of two cores. */
const operationsPerMinute = 1000;

/** In words; none: it was enough. */
export function shortcomings(
  { done, refused, unknown, silent }: ClientCounts,
  kills: number,
  { seconds, killEverySeconds }: Omit<Plan, "think">,
): readonly string[] {
  const asked = done + refused + unknown;
  const operations = Math.ceil((operationsPerMinute * seconds) / 60);
  const killsMin = Math.max(1, Math.floor(seconds / killEverySeconds));
  const words: string[] = [];
  if (silent > 0) words.push(`${silent} requests were not answered within ${silenceMilliseconds} ms`);
  if (done * 10 < asked * 9) words.push(`only ${done} of ${asked} operations were answered`);
  if (done < operations) words.push(`${done} operations were answered, of at least ${operations} in ${seconds} s`);
  if (kills < killsMin) words.push(`${kills} processes were killed, of at least ${killsMin} in ${seconds} s`);
  return words;
}
