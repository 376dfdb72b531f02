// Requests to a cluster: the endpoints that are known, one after the other, until one answers, within one deadline.
//
//   no connection, or refused for now without effect ─▶ the next endpoint
//   no answer: of what may be done twice             ─▶ the next endpoint
//              of a write                            ─▶ nobody knows what became of it
//
// Whatever is no success ends in a CommandFailure, whose words say who said what.

import { Agent } from "node:http";
import { errorCodes } from "../../../internal/base/errors.ts";
import type { ErrorCode, Outcome } from "../../../internal/base/errors.ts";
import { CommandFailure, exitCodes } from "../failure.ts";
import { nameOf } from "./endpoints.ts";
import type { Endpoint } from "./endpoints.ts";
import { exchange, nobodyListens } from "./exchange.ts";
import type { Answered, Exchange, Sent } from "./exchange.ts";
import { visible } from "./visible.ts";

/** Bytes for what need not be text. */
type Query = Readonly<Record<string, string | Uint8Array | undefined>>;

export interface ClusterRequest extends Omit<Sent, "path"> {
  readonly path: string;
  readonly query?: Query;
  /** Doing it twice does no harm: reads, and writes under an idempotency key. */
  readonly mayRepeat: boolean;
}

export interface ClusterAnswer extends Answered {
  readonly endpoint: Endpoint;
}

interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly outcome: Outcome;
  readonly requestId: string;
}

/** A node that has found no answer by the deadline says so; that has to arrive, unless there are others to ask. */
const graceMilliseconds = 250;
/** Of what nodes answer when they could not do it now, and others may. */
const passing: ReadonlySet<number> = new Set([429, 503]);

export class ClusterClient {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 4 });
  private readonly endpoints: readonly Endpoint[];
  private readonly timeoutMilliseconds: number;

  /** Each request has so many milliseconds. */
  constructor(endpoints: readonly Endpoint[], timeoutMilliseconds: number) {
    this.endpoints = endpoints;
    this.timeoutMilliseconds = timeoutMilliseconds;
  }

  /** Throws for every answer that is no success. */
  async ask(request: ClusterRequest): Promise<ClusterAnswer> {
    const deadline = performance.now() + this.timeoutMilliseconds;
    const failures: CommandFailure[] = [];
    let isSomebodyThere = false;
    for (const [at, endpoint] of this.endpoints.entries()) {
      const left = deadline - performance.now();
      if (left < 1) break;
      const endpointsLeft = this.endpoints.length - at;
      const share = left / endpointsLeft;
      const told = await this.send(endpoint, request, {
        connectMilliseconds: Math.ceil(share),
        answerMilliseconds: Math.ceil(request.mayRepeat ? share : left),
        graceMilliseconds: request.mayRepeat && endpointsLeft > 1 ? 0 : graceMilliseconds,
      });
      if (told.kind === "answered" && told.status >= 200 && told.status < 300) return { ...told, endpoint };
      const { failure, isOver } = judge(told, endpoint, request);
      if (isOver) throw failure;
      isSomebodyThere ||= told.kind !== "not_sent" || told.why !== nobodyListens;
      failures.push(failure);
    }
    throw allFailed(failures, isSomebodyThere ? "" : wayOn);
  }

  close(): void {
    this.agent.destroy();
  }

  private send(
    endpoint: Endpoint,
    request: ClusterRequest,
    patience: {
      readonly connectMilliseconds: number;
      readonly answerMilliseconds: number;
      readonly graceMilliseconds: number;
    },
  ): Promise<Exchange> {
    const { connectMilliseconds, answerMilliseconds } = patience;
    const wholeMilliseconds = answerMilliseconds + patience.graceMilliseconds;
    const { path, query, ...sent } = request;
    const target = `${path}${queryText({ ...query, timeout: `${answerMilliseconds}ms` })}`;
    return exchange(this.agent, endpoint, { ...sent, path: target }, { connectMilliseconds, wholeMilliseconds });
  }
}

function queryText(query: Query): string {
  const parts = Object.entries(query).map(([name, value]) =>
    value === undefined ? [] : [`${name}=${encoded(value)}`],
  );
  return `?${parts.flat().join("&")}`;
}

function encoded(value: string | Uint8Array): string {
  if (typeof value === "string") return encodeURIComponent(value);
  return Array.from(value, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

/** `isOver`: there is no use, or no safety, in asking another endpoint. */
function judge(
  told: Exchange,
  endpoint: Endpoint,
  { mayRepeat, method }: ClusterRequest,
): { readonly failure: CommandFailure; readonly isOver: boolean } {
  const at = nameOf(endpoint);
  switch (told.kind) {
    case "not_sent":
      return { failure: new CommandFailure(exitCodes.unavailable, `${at}: ${told.why}`), isOver: false };
    case "broken_off":
    case "late": {
      if (method === "GET")
        return { failure: new CommandFailure(exitCodes.unavailable, `${at}: ${told.why}`), isOver: false };
      return {
        failure: new CommandFailure(exitCodes.outcomeUnknown, `${at}: ${told.why}. ${unknownWords(mayRepeat)}`),
        isOver: !mayRepeat,
      };
    }
    case "no_http":
      return { failure: new CommandFailure(exitCodes.failure, `${at}: ${told.why} ${portWords}`), isOver: true };
    case "answered":
      break;
  }
  const problem = problemOf(told);
  if (problem === undefined) {
    const type = told.headers["content-type"] ?? "no content type";
    return {
      failure: new CommandFailure(exitCodes.failure, `${at} is no Trefoil: it answers ${told.status}, ${type}`),
      isOver: true,
    };
  }
  const { code, detail, outcome, requestId } = problem;
  // Not that the key is not there.
  if (code === "not_found" && detail.startsWith("there is no route ")) {
    const why = visible(`${at} does not take this command: ${detail}. Is it the admin port of a node? ${portWords}`);
    return { failure: new CommandFailure(exitCodes.failure, why), isOver: true };
  }
  const words = visible(`${code}: ${detail} (${at}, request ${requestId})`);
  if (outcome === "unknown" && method !== "GET") {
    return {
      failure: new CommandFailure(exitCodes.outcomeUnknown, `${words}. ${unknownWords(mayRepeat)}`),
      isOver: !mayRepeat,
    };
  }
  const mayGoOn = mayRepeat || outcome === "not_applied";
  const isOver = !mayGoOn || !(passing.has(told.status) || told.status === 504);
  return { failure: new CommandFailure(exitCodeFor(code, told.status), words), isOver };
}

const portWords = "--endpoint takes the HTTP port, 8080 unless it was set otherwise";

/** `mayRepeat`: it was sent under an idempotency key. */
const unknownWords = (mayRepeat: boolean): string =>
  `Nobody knows whether the write took effect: ${mayRepeat ? "write again under the same --idempotency-key" : "read the key before writing again"}`;

function problemOf({ headers, body }: Answered): Problem | undefined {
  if (headers["content-type"] !== "application/problem+json") return undefined;
  try {
    const parsed = JSON.parse(body.toString()) as Partial<Problem> | null;
    const { code, detail, outcome, requestId } = parsed ?? {};
    if (typeof code !== "string" || typeof detail !== "string" || outcome === undefined) return undefined;
    return { code, detail, outcome, requestId: String(requestId) };
  } catch {
    return undefined;
  }
}

/** A newer node may know codes that are new to us. */
function exitCodeFor(code: string, status: number): number {
  if (Object.hasOwn(errorCodes, code)) return errorCodes[code as ErrorCode].exitCode;
  if (status === 401 || status === 403) return exitCodes.notAllowed;
  if (status === 404) return exitCodes.notFound;
  if (status === 412) return exitCodes.conditionFailed;
  return passing.has(status) || status === 504 ? exitCodes.unavailable : exitCodes.failure;
}

const wayOn = "npm start runs a cluster on this machine, --endpoint says where another one is";

/** One of them may have had an effect; that counts most. `hint`: what to do about all of them, if anything. */
function allFailed(failures: readonly CommandFailure[], hint: string): CommandFailure {
  const [only] = failures;
  if (only !== undefined && failures.length === 1) {
    return hint === "" ? only : new CommandFailure(only.exitCode, `${only.message}; ${hint}`);
  }
  if (failures.length === 0)
    return new CommandFailure(exitCodes.unavailable, "the time was over before anybody was asked");
  const words = failures.map(({ message }) => `  ${message}`).join("\n");
  const isUnknown = failures.some(({ exitCode }) => exitCode === exitCodes.outcomeUnknown);
  const what = `none of ${failures.length} endpoints could do it:\n${words}${hint === "" ? "" : `\n${hint}`}`;
  return new CommandFailure(isUnknown ? exitCodes.outcomeUnknown : exitCodes.unavailable, what);
}
