// A cluster for development as somebody runs it who has read the README, on ports that are free.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { askedBy, curlExamples } from "../support/curl-lines.ts";
import { freePorts } from "../support/free-ports.ts";
import { RunningProcess } from "../support/running-process.ts";

const readme = new URL("../../../README.md", import.meta.url);
const packageFile = new URL("../../../package.json", import.meta.url);

const listeners = ["http", "resp", "peer", "grpc", "admin"];

/** What `npm start` runs once everything is built. */
function startCommand(): string {
  const { scripts } = JSON.parse(readFileSync(packageFile, "utf8")) as { scripts: Readonly<Record<string, string>> };
  const match = /^node scripts\/bootstrap\.mjs && exec (node dist\/\S+ dev)$/.exec(scripts["start"] ?? "");
  assert.ok(match !== null, `npm start does not build and run a cluster: ${scripts["start"]}`);
  return match[1] as string;
}

export class DevRun {
  readonly data: string;
  private readonly first: number;
  private readonly nodes: number;

  private constructor(data: string, first: number, nodes: number) {
    this.data = data;
    this.first = first;
    this.nodes = nodes;
  }

  static async make(data: string, nodes = 3): Promise<DevRun> {
    return new DevRun(data, await freePorts(listeners.length * nodes), nodes);
  }

  /** The flags of ports and data. */
  get flags(): readonly string[] {
    const { first, nodes, data } = this;
    return [...listeners.map((flag, at) => `--${flag}=${first + nodes * at}`), `--data=${data}`];
  }

  start(...flags: readonly string[]): RunningProcess {
    const [command = "", ...words] = startCommand().split(" ");
    assert.equal(command, "node");
    return new RunningProcess(process.execPath, [...words, ...this.flags, ...flags], { isGroup: true });
  }

  url(node: number, path: string): string {
    return `http://127.0.0.1:${this.first + node - 1}${path}`;
  }

  /** Asks every line of the README, by curl where there is one, and holds the answers against what stands below the lines. */
  async askReadme(): Promise<number> {
    const page = readFileSync(readme, "utf8");
    const examples = curlExamples(page);
    assert.equal(examples.length, page.match(/^curl /gm)?.length, "a curl line without its answer");
    for (const { line, status, said } of examples) {
      const here = line.replace(
        /\blocalhost:80(8[0-2])\b/,
        (_, port: string) => `localhost:${this.first + Number(port) - 80}`,
      );
      assert.notEqual(here, line);
      const told = byCurl(here) ?? (await byFetch(here));
      assert.equal(told.status, status, `${line}: ${told.text}`);
      if (said === "") continue;
      const answered = status >= 400 ? (JSON.parse(told.text) as { code: string }).code : told.text;
      assert.equal(answered, said, line);
    }
    return examples.length;
  }
}

interface Told {
  readonly status: number;
  readonly text: string;
}

/** Undefined: there is no curl on this machine. */
function byCurl(line: string): Told | undefined {
  const { status, stdout, stderr } = spawnSync("sh", ["-c", `${line} -sS -w '\\n%{http_code}'`], { encoding: "utf8" });
  if (status === 127) return undefined;
  assert.equal(status, 0, `${line}: ${stderr}`);
  const at = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(at + 1)), text: stdout.slice(0, at) };
}

async function byFetch(line: string): Promise<Told> {
  const { method, port, target, headers, body } = askedBy(line);
  const answer = await fetch(`http://127.0.0.1:${port}${target}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, text: await answer.text() };
}

/** Of the nodes, as the table of what runs where has them. */
export function pidsIn(output: string): readonly number[] {
  return [...output.matchAll(/^ {2}n\d+ .* (\d+)$/gm)].map((match) => Number(match[1]));
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
