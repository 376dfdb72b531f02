// Whether a gateway can listen where it is to, before anything starts: whoever starts one beside others is told of all ports that are
// taken at once, with free ones that go together.

import { printAddress } from "../../../internal/config/addresses.ts";
import { listenerFlags } from "../../../internal/config/values.ts";
import type { GatewayValues } from "../../../internal/config/values.ts";
import { listenFailure } from "../../trefoild/failure-words.ts";
import { freeFrom, listenTrouble } from "../free-ports.ts";

const listenedOn = ["http", "grpc", "admin"] as const;

/** Each in words. */
export async function takenListeners(values: GatewayValues): Promise<string[]> {
  const words: string[] = [];
  const taken = listenerFlags.flatMap((flag) => (flag === "peer" ? [] : [values[flag].port]));
  for (const flag of listenedOn) {
    const { host, port: busy } = values[flag];
    const trouble = await listenTrouble(host, busy);
    if (trouble === undefined) continue;
    const told = listenFailure(flag, printAddress(values[flag]), trouble).message;
    const free = trouble.code === "EADDRINUSE" ? await freeFrom({ host, busy, count: 1, taken }) : undefined;
    if (free === undefined) {
      words.push(told);
    } else {
      taken.push(free);
      words.push(`${told} ${printAddress({ host, port: free })}`);
    }
  }
  return words;
}
