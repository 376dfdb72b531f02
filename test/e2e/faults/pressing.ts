// Writes until a full disk is noticed: what a node still has room for, in its log and its memory, it takes.

import { HttpClient } from "../http-client.ts";
import type { Arena } from "../arena.ts";

const bodyBytes = 64 * 1024;
const keysMax = 16;
const keysTried = 500;
const askMilliseconds = 10_000;

/** A write of a key that a node leads and has no room for is refused, by that reason; or the node has said so before, and handed the key over. */
export async function pressUntilFull(arena: Arena, node: number): Promise<void> {
  const { host, ports } = arena.placeOf(node);
  const word = `node ${arena.idOf(node)} cannot write`;
  const http = new HttpClient(askMilliseconds);
  const keys = await keysLedBy(arena, node);
  let made = 0;
  try {
    await arena.until(`${arena.idOf(node)} says that its disk is full`, async () => {
      const path = `/${keys[made++ % keys.length]}?consistency=strong&timeout=2s`;
      const said = await http.ask({ host, port: ports.http, method: "PUT", path, body: "x".repeat(bodyBytes) });
      if (said.kind === "answered" && said.status === 507 && said.body.includes("storage_full")) return true;
      const seen = await http.ask({ host, port: ports.admin, method: "GET", path: "/-/cluster" });
      return seen.kind === "answered" && seen.body.includes(word) ? true : undefined;
    });
  } finally {
    http.close();
  }
}

async function keysLedBy(arena: Arena, node: number): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let at = 0; at < keysTried && keys.length < keysMax; at++) {
    if ((await arena.leaderOf(`pressed${at}`)) === node) keys.push(`pressed${at}`);
  }
  if (keys.length === 0) throw new Error(`${arena.idOf(node)} leads nothing any more`);
  return keys;
}
