// Writes until a full disk refuses them: what a node still has room for, in its log and its memory, it takes.

import { HttpClient } from "../http-client.ts";
import type { Arena } from "../arena.ts";

const bodyBytes = 64 * 1024;
const keys = 500;
const askMilliseconds = 10_000;

/** A write of a key that a node's disk has no room for is refused, by that reason, to whoever asks for it. */
export async function pressUntilRefused(arena: Arena, node: number): Promise<void> {
  const { host, ports } = arena.placeOf(node);
  const http = new HttpClient(askMilliseconds);
  let made = 0;
  try {
    await arena.until(`${arena.idOf(node)} says that its disk is full`, async () => {
      const path = `/pressed${made++ % keys}?consistency=strong&timeout=2s`;
      const said = await http.ask({ host, port: ports.http, method: "PUT", path, body: "x".repeat(bodyBytes) });
      return said.kind === "answered" && said.status === 507 && said.body.includes("storage_full") ? true : undefined;
    });
  } finally {
    http.close();
  }
}
