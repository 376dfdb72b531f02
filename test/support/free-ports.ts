// Ports of this machine that nobody listens on, for processes that a test starts.

import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below those that the system hands out by itself, so that no other test is given one meanwhile. */
const least = 15_000;
const most = 30_000;
const triesMax = 200;

/** The first of `count` ports in a row. */
export async function freePorts(count: number): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const first = randomInt(least, most - count);
    const ports = Array.from({ length: count }, (_, at) => first + at);
    const free = await Promise.all(ports.map(isFree));
    if (!free.includes(false)) return first;
  }
  throw new Error(`no ${count} free ports in a row between ${least} and ${most}`);
}

export async function freePortList(count: number): Promise<number[]> {
  const first = await freePorts(count);
  return Array.from({ length: count }, (_, at) => first + at);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
