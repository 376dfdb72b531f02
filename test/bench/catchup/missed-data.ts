// What a node misses: keys with values of 4 to 16 KiB that follow from their number, so that whoever reads one knows what it has to be.

import { Prng } from "../../../internal/base/prng.ts";
import type { HttpClient } from "../../e2e/http-client.ts";
import { now, rest } from "../../e2e/moments.ts";
import type { NodePlace } from "../../support/trefoild.ts";
import { runLanes, seconds } from "../timing.ts";

const bytesMin = 4 * 1024;
const bytesMax = 16 * 1024;
const lanes = 64;
const pauseMilliseconds = 100;
const patienceMilliseconds = 60_000;

/** Values are pieces of it. */
const noise = noiseOf(64 * 1024);

function noiseOf(length: number): string {
  const random = new Prng(1);
  return Buffer.from(Array.from({ length }, () => random.between(33, 126))).toString("latin1");
}

export const keyOf = (number: number): string => `missed-${number}`;

export function valueOf(number: number): string {
  const random = new Prng(number);
  const length = random.between(bytesMin, bytesMax);
  const name = `${keyOf(number)} `;
  const start = random.below(noise.length - length);
  return `${name}${noise.slice(start, start + length - name.length)}`;
}

/** So many values, from number 0 on, have `bytes` or more together, and one less has not. */
export function countOf(bytes: number): number {
  let count = 0;
  for (let sum = 0; sum < bytes; count++) sum += valueOf(count).length;
  return count;
}

export interface Written {
  readonly seconds: number;
  /** Requests that were refused or not answered, and made again. */
  readonly repeated: number;
}

/** Strong writes of the first `count`, through these nodes by turns. */
export async function writeAll(http: HttpClient, places: readonly NodePlace[], count: number): Promise<Written> {
  const started = performance.now();
  let repeated = 0;
  await runLanes(lanes, count, async (number) => {
    const deadline = now() + patienceMilliseconds;
    const body = valueOf(number);
    for (let turn = number; ; turn++, repeated++) {
      const { host, ports } = places[turn % places.length] as NodePlace;
      const path = `/${keyOf(number)}?consistency=strong&timeout=10s`;
      const said = await http.ask({ host, port: ports.http, method: "PUT", path, body });
      if (said.kind === "answered" && said.status < 300) return;
      if (now() > deadline) throw new Error(`${keyOf(number)} could not be written: ${JSON.stringify(said)}`);
      await rest(pauseMilliseconds);
    }
  });
  return { seconds: seconds(started), repeated };
}

export interface Checked {
  readonly asFollower: number;
  readonly asLeader: number;
  /** What was wrong with the others, in words. */
  readonly wrong: readonly string[];
}

/** Fast reads of a sample at one node, which has to serve them itself. */
export async function checkSample(
  http: HttpClient,
  place: NodePlace,
  { count, sample }: { readonly count: number; readonly sample: number },
): Promise<Checked> {
  const random = new Prng(2);
  const wrong: string[] = [];
  const served = { follower: 0, leader: 0 };
  for (let at = 0; at < sample; at++) {
    const number = random.below(count);
    const path = `/${keyOf(number)}?consistency=fast&timeout=5s`;
    const said = await http.ask({ host: place.host, port: place.ports.http, method: "GET", path });
    const { "trefoil-node": node, "trefoil-role": role } = said.kind === "answered" ? said.headers : {};
    const isRight = said.kind === "answered" && said.status === 200 && said.body === valueOf(number);
    if (isRight && node === place.id && (role === "follower" || role === "leader")) served[role]++;
    else
      wrong.push(
        `${keyOf(number)}, served by ${String(node)} as ${String(role)}: ${JSON.stringify(said).slice(0, 300)}`,
      );
  }
  return { asFollower: served.follower, asLeader: served.leader, wrong };
}
