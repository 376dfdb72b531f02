// Load by wrk: some connections to each of several nodes at once, each with one request under way, and what came of it.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface Load {
  readonly ports: readonly number[];
  /** Over all ports. */
  readonly connections: number;
  readonly seconds: number;
  /** Lua: what a request is. */
  readonly script: string;
  /** For the script's file. */
  readonly folder: string;
}

export interface LoadResult {
  /** Of those that succeeded. */
  readonly perSecond: number;
  readonly refused: number;
  /** Of the node where it was worst. */
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

/** Of all: a machine that stands still for a moment has some refused. A rate of which more are says nothing. */
const refusedShareMax = 0.02;

/** Throws when requests got no answer, or more than a few were refused. */
export async function load({ ports, connections, seconds, script, folder }: Load): Promise<LoadResult> {
  const file = join(folder, "load.lua");
  writeFileSync(file, script);
  const share = Math.floor(connections / ports.length);
  const said = await Promise.all(
    ports.map((port, at) => {
      const mine = at === 0 ? connections - share * (ports.length - 1) : share;
      const flags = ["-t1", `-c${mine}`, `-d${seconds}s`, "--timeout", "10s", "--latency", "-s", file];
      return run([...flags, `http://127.0.0.1:${port}/`, String(port)]);
    }),
  );
  const results = said.map(parse);
  return {
    perSecond: results.reduce((sum, { perSecond }) => sum + perSecond, 0),
    refused: results.reduce((sum, { refused }) => sum + refused, 0),
    p50Milliseconds: Math.max(...results.map(({ p50Milliseconds }) => p50Milliseconds)),
    p99Milliseconds: Math.max(...results.map(({ p99Milliseconds }) => p99Milliseconds)),
  };
}

function run(words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("wrk", words, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    child.stdout.on("data", (part: Buffer) => (said += part.toString()));
    child.stderr.on("data", (part: Buffer) => (said += part.toString()));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`wrk ended with exit code ${code}: ${said}`));
    });
  });
}

function parse(said: string): LoadResult {
  const broken = /Socket errors: (.*)/.exec(said)?.[1];
  if (broken !== undefined) throw new Error(`requests failed: ${broken}\n${said}`);
  const perSecond = /Requests\/sec:\s+([\d.]+)/.exec(said)?.[1];
  const requests = /^\s*(\d+) requests in /m.exec(said)?.[1];
  if (perSecond === undefined || requests === undefined) throw new Error(`wrk said what is not understood: ${said}`);
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(said)?.[1] ?? 0);
  const share = refused / Math.max(1, Number(requests));
  if (share > refusedShareMax) throw new Error(`requests were refused: ${refused} of ${requests}\n${said}`);
  return {
    perSecond: Number(perSecond) * (1 - share),
    refused,
    p50Milliseconds: millisecondsOf(said, "50"),
    p99Milliseconds: millisecondsOf(said, "99"),
  };
}

function millisecondsOf(said: string, percent: string): number {
  const found = new RegExp(String.raw`^\s+${percent}%\s+([\d.]+)(us|ms|s)`, "m").exec(said);
  if (found === null) throw new Error(`wrk said no ${percent} %: ${said}`);
  const factor = { us: 0.001, ms: 1, s: 1000 }[found[2] as "us" | "ms" | "s"];
  return Number(found[1]) * factor;
}
