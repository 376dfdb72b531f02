// A yardstick: what HTTP alone costs. One process with a hono handler that reads the body of a PUT and answers it as a node would, and
// answers a GET with a value from memory. `node bare-hono.main.js PORT`

import process from "node:process";
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const value = "x".repeat(100);
const app = new Hono();
app.put("/*", async (context) => {
  await context.req.arrayBuffer();
  return context.json({ version: "1.1", receipt: "1.1.1" });
});
app.get("/*", (context) => context.body(value, 200, { "content-type": "text/plain" }));
serve({ fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.argv[2]) });
