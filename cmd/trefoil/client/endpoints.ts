// Where nodes are to be found, as somebody writes it: "localhost:8080", "http://10.0.0.1:8080", several between commas.

import { nearestOf } from "../../../internal/base/nearest.ts";
import { TrefoilError } from "../../../internal/base/errors.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export const endpointVariable = "TREFOIL_ENDPOINT";
const adminVariable = "TREFOIL_ADMIN_ENDPOINT";
const dataPort = 8080;
const adminPort = 9400;

/** Of the data listeners: as told, or as the environment says, or this machine's first node. */
export function dataEndpoints(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): readonly Endpoint[] {
  refuseMisspelt(environment);
  if (given !== undefined) return endpointsOf(given, "--endpoint", dataPort);
  const set = environment[endpointVariable] ?? "";
  return set === "" ? [{ host: "127.0.0.1", port: dataPort }] : endpointsOf(set, endpointVariable, dataPort);
}

/** Of admin listeners, as told or as the environment says; undefined: the map is to tell. */
export function adminEndpointsOf(
  given: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): readonly Endpoint[] | undefined {
  refuseMisspelt(environment);
  if (given !== undefined) return endpointsOf(given, "--admin-endpoint", adminPort);
  const set = environment[adminVariable] ?? "";
  return set === "" ? undefined : endpointsOf(set, adminVariable, adminPort);
}

/** Of one node, as the map tells; undefined: it has not said yet. */
export function adminEndpointOf(told: string): Endpoint | undefined {
  return told === "" ? undefined : endpointOf(told, "the map", adminPort);
}

/** The other variables of this prefix are settings of nodes, and nothing to a command. */
function refuseMisspelt(environment: Readonly<Record<string, string | undefined>>): void {
  const known = [endpointVariable, adminVariable];
  const wrong = Object.keys(environment).find((name) => /^TREFOIL_.*ENDPOINT/.test(name) && !known.includes(name));
  if (wrong === undefined) return;
  throw new TrefoilError("bad_request", `${wrong} is no variable; the nearest is ${nearestOf(wrong, known)}`);
}

/** `source` is what names them. */
function endpointsOf(text: string, source: string, port: number): readonly Endpoint[] {
  return text.split(",").map((part) => endpointOf(part.trim(), source, port));
}

const form = /^(?:([a-z][a-z+.-]*):\/\/)?(\[[\da-f:.]+\]|[^\s:/?#@[\]]+)(?::(\d{1,5}))?\/?$/i;

function endpointOf(text: string, source: string, portDefault: number): Endpoint {
  const found = form.exec(text);
  const [, scheme, host = "", digits] = found ?? [];
  if (scheme !== undefined && scheme.toLowerCase() !== "http") {
    throw new TrefoilError("bad_request", `${source} ${text}: nodes are spoken to over http, not ${scheme}`);
  }
  const port = digits === undefined ? portDefault : Number(digits);
  if (found === null || port < 1 || port > 65_535) {
    const detail = `${source} takes host:port, several between commas, such as localhost:8080,localhost:8081`;
    throw new TrefoilError("bad_request", `${detail}, not ${JSON.stringify(text)}`);
  }
  return { host: host.replace(/^\[|\]$/g, ""), port };
}

export function nameOf({ host, port }: Endpoint): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
