// What every command that asks a cluster is given: whom it asks, how long, and in which form it answers.

import process from "node:process";
import { timeoutOf } from "../../../internal/http/parameters.ts";
import { parseForm } from "../output.ts";
import type { OutputForm } from "../output.ts";
import { ClusterClient } from "./cluster-client.ts";
import { dataEndpoints } from "./endpoints.ts";
import { screenOf } from "./report.ts";
import type { Screen } from "./report.ts";

export interface SessionOptions {
  readonly endpoint?: string;
  readonly timeout?: string;
  readonly output?: string;
}

export interface Session {
  readonly client: ClusterClient;
  readonly timeoutMilliseconds: number;
  /** Undefined: not told. */
  readonly form: OutputForm | undefined;
  readonly screen: Screen;
}

const tokenVariable = "TREFOIL_TOKEN";
const unusedToken = `trefoil: ${tokenVariable} is set and not sent: nodes of this version ask nobody who he is\n`;

/** The command's own checks come first in `run`: nothing is sent before it asks. Resolves with the exit code. */
export async function inSession(options: SessionOptions, run: (session: Session) => Promise<number>): Promise<number> {
  if ((process.env[tokenVariable] ?? "") !== "") process.stderr.write(unusedToken);
  const timeoutMilliseconds = timeoutOf(options.timeout);
  const form = options.output === undefined ? undefined : parseForm(options.output);
  const client = new ClusterClient(dataEndpoints(options.endpoint, process.env), timeoutMilliseconds);
  try {
    return await run({ client, timeoutMilliseconds, form, screen: screenOf(process.stdout, process.env) });
  } finally {
    client.close();
  }
}

/** A header of an answer; undefined: it has none. */
export function headerText(headers: NodeJS.Dict<string | string[]>, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
