// The built command line as a process of its own.

import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../cmd/trefoil/main.js", import.meta.url));

export interface Ran {
  readonly code: number | null;
  /** Byte for byte. */
  readonly bytes: Buffer;
  readonly out: string;
  readonly errors: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
}

export class Trefoil {
  private readonly environment: Readonly<Record<string, string>>;

  constructor(endpoint: string, environment: Readonly<Record<string, string>> = {}) {
    this.environment = { TREFOIL_ENDPOINT: endpoint, ...environment };
  }

  run(commandArguments: readonly string[], { input = "" }: RunOptions = {}): Promise<Ran> {
    return this.ran([process.execPath, program, ...commandArguments], input);
  }

  /** A line of sh in which `trefoil` is the program. */
  shell(line: string): Promise<Ran> {
    return this.ran(["sh", "-c", `trefoil() { "${process.execPath}" "${program}" "$@"; }\n${line}`], "");
  }

  private ran([command = "", ...words]: readonly string[], input: string | Uint8Array): Promise<Ran> {
    const child = spawn(command, words, { env: { ...process.env, ...this.environment } });
    const out: Buffer[] = [];
    let errors = "";
    child.stdout.on("data", (part: Buffer) => out.push(part));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    // Some commands end without reading it.
    child.stdin.on("error", () => undefined).end(input);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        const bytes = Buffer.concat(out);
        resolve({ code, bytes, out: bytes.toString(), errors });
      });
    });
  }
}
