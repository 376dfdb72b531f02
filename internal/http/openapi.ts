// `/-/openapi.json`: the data listener as OpenAPI 3.1. Written by hand from the parts in openapi-parts.ts; a test holds it against
// real answers, both ways: nothing comes that is not in it, and everything in it comes.

import { errorCodes } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { asksForPatience } from "../node/failure.ts";
import { headers, parameters, schemas } from "./openapi-parts.ts";
import type { Json } from "./openapi-parts.ts";
import { problemTitles, problemType } from "./problem.ts";
import { formType, recordType } from "./request-headers.ts";

type Fields = Readonly<Record<string, Json>>;
/** By status. */
type ProblemHeaders = Readonly<Record<string, readonly string[]>>;

const refused: readonly ErrorCode[] = ["bad_request", "slow_request", "headers_too_large", "busy", "stopping"];
const asked: readonly ErrorCode[] = [
  ...refused,
  "internal",
  "starting",
  "stale_map",
  "no_leader",
  "no_quorum",
  "deadline_exceeded",
  "corruption",
];
const keyed: readonly ErrorCode[] = [...asked, "bad_key", "bad_consistency"];
const got: readonly ErrorCode[] = [...keyed, "not_found", "precondition_failed"];
const written: readonly ErrorCode[] = [...keyed, "precondition_failed", "outcome_unknown", "storage_full"];
const put: readonly ErrorCode[] = [...written, "bad_ttl", "too_large"];
const listed: readonly ErrorCode[] = [...keyed, "cursor_expired"];

const servedBy = ["Trefoil-Consistency", "Trefoil-Node", "Trefoil-Group", "Trefoil-Role"];
const readHeaders = [...servedBy, "ETag", "Trefoil-Staleness-Ms?", "Trefoil-Expires-At?"];
const valueHeaders = [...readHeaders, "Content-Security-Policy?", "X-Content-Type-Options?"];
const writeHeaders = [...servedBy, "ETag", "Trefoil-Acks", "Trefoil-Durability", "Trefoil-Receipt"];
const putHeaders = [...writeHeaders, "Trefoil-Expires-At?", "Trefoil-Envelope?"];

/** With problems that a group found out: who said so, and what is there. */
const placeHeaders = ["Trefoil-Node?", "Trefoil-Group?"];
const groupProblemHeaders: ProblemHeaders = Object.fromEntries(
  ["400", "413", "429", "500", "503", "504", "507"].map((status) => [status, placeHeaders]),
);
const readProblemHeaders: ProblemHeaders = {
  ...groupProblemHeaders,
  "404": [...servedBy, "Trefoil-Staleness-Ms?"],
  "412": [...servedBy, "Trefoil-Staleness-Ms?", "ETag?"],
  "416": [...readHeaders, "Content-Range"],
};
const writeProblemHeaders: ProblemHeaders = {
  ...groupProblemHeaders,
  "412": [...servedBy, "ETag?"],
  "504": [...placeHeaders, "Trefoil-Receipt?"],
};

const bytesContent: Json = { "*/*": { schema: {} } };
const recordContent: Json = { "*/*": { schema: {} }, [recordType]: { schema: ref("schemas/Record") } };
const keyParameters: Readonly<Record<string, string>> = {
  "/{key}": "key",
  "/-/kv/{key}": "key",
  "/-/kv64/{key64}": "key64",
};

function ref(where: string): Json {
  return { $ref: `#/components/${where}` };
}

function jsonOf(schema: string): Json {
  return { "application/json": { schema: ref(`schemas/${schema}`) } };
}

/** `names` with a `?` behind them do not always come. */
function answer(description: string, names: readonly string[], content?: Json): Json {
  const told = names.map((name): [string, Json] => {
    const isSure = !name.endsWith("?");
    const plain = isSure ? name : name.slice(0, -1);
    return [plain, isSure ? { ...(headers[plain] as Fields), required: true } : ref(`headers/${plain}`)];
  });
  return {
    description,
    ...(told.length === 0 ? {} : { headers: Object.fromEntries(told) }),
    ...(content === undefined ? {} : { content }),
  };
}

function problems({ codes, problemHeaders = {} }: Operation, withBody: boolean): Fields {
  const byStatus = new Map<string, ErrorCode[]>();
  for (const code of codes) {
    const status = String(errorCodes[code].httpStatus);
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const content: Json = { [problemType]: { schema: ref("schemas/Problem") } };
  return Object.fromEntries(
    [...byStatus].map(([status, ofStatus]) => {
      const words = ofStatus.map((code) => `${code}: ${problemTitles[code]}`).join("; ");
      const told = [...(problemHeaders[status] ?? []), ...(asksForPatience(Number(status)) ? ["Retry-After"] : [])];
      return [status, answer(words, told, withBody ? content : undefined)];
    }),
  );
}

interface Operation {
  readonly summary: string;
  readonly parameters: readonly string[];
  readonly answers: Fields;
  readonly codes: readonly ErrorCode[];
  readonly problemHeaders?: ProblemHeaders;
  readonly body?: Json;
}

function operation(operationId: string, described: Operation): Json {
  const { summary, parameters: names, answers, body } = described;
  return {
    operationId,
    summary,
    parameters: names.map((name) => ref(`parameters/${name}`)),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: { ...answers, ...problems(described, !operationId.startsWith("head")) },
  };
}

function keyPath(path: string, place: string): Json {
  const reads = [place, "consistency", "timeout", "ifMatch", "ifNoneMatch", "accept"];
  const writes = [place, "consistency", "timeout", "ifMatch", "idempotencyKey"];
  const suffix = path.startsWith("/-/kv64") ? "64" : path.startsWith("/-/kv") ? "Kv" : "";
  return {
    get: operation(`get${suffix}`, {
      summary: "The value under a key",
      parameters: [...reads, "range", "ifRange"],
      answers: {
        "200": answer(
          "the value, with the content type that it was put with",
          [...valueHeaders, "Vary?"],
          recordContent,
        ),
        "206": answer("a part of the value", [...valueHeaders, "Content-Range"], bytesContent),
        "304": answer("the version is the one that is known", readHeaders),
      },
      codes: [...got, "bad_range"],
      problemHeaders: readProblemHeaders,
    }),
    head: operation(`head${suffix}`, {
      summary: "What GET would say, without the value",
      parameters: reads,
      answers: {
        "200": answer("there is a value", [...valueHeaders, "Vary?"]),
        "304": answer("the version is the one that is known", readHeaders),
      },
      codes: got,
      problemHeaders: readProblemHeaders,
    }),
    put: operation(`put${suffix}`, {
      summary: "Stores the body under a key",
      parameters: [...writes, "ttl", "raw", "ifNoneMatch", "prefer"],
      answers: {
        "200": answer("stored", putHeaders, jsonOf("Written")),
        "201": answer("stored under If-None-Match: *, so it is new", putHeaders, jsonOf("Written")),
        "204": answer("stored, and Prefer: return=minimal asked for no body", [...putHeaders, "Preference-Applied"]),
      },
      codes: put,
      problemHeaders: writeProblemHeaders,
      body: {
        description: "the value; or, of the two types below, an envelope with it",
        content: {
          "*/*": { schema: {} },
          [recordType]: { schema: ref("schemas/Envelope") },
          [formType]: { schema: {} },
        },
      },
    }),
    delete: operation(`delete${suffix}`, {
      summary: "Removes a key, whether it is there or not",
      parameters: writes,
      answers: { "204": answer("nothing is there any more", writeHeaders) },
      codes: written,
      problemHeaders: writeProblemHeaders,
    }),
  };
}

/** GET and HEAD of what only tells. */
function tellingPath(id: string, told: Operation): Json {
  const ofHead = Object.fromEntries(
    Object.entries(told.answers).map(([status, given]) => {
      const { content: _content, ...rest } = given as Fields;
      return [status, rest];
    }),
  );
  return {
    get: operation(`get${id}`, told),
    head: operation(`head${id}`, { ...told, answers: ofHead, summary: `${told.summary}: headers alone` }),
  };
}

function explainPath(place: string): Operation {
  return {
    summary: "Where a key lies, and what reads and writes of it would do now",
    parameters: [place, "timeout"],
    answers: { "200": answer("slot, group, replicas", ["Trefoil-Node"], jsonOf("Explanation")) },
    codes: [...asked, "bad_key"],
    problemHeaders: groupProblemHeaders,
  };
}

function ownPaths(): Fields {
  const html: Json = { "text/html": { schema: { type: "string" } } };
  const page = (summary: string, content: Json): Operation => {
    return { summary, parameters: [], answers: { "200": answer("the page", [], content) }, codes: refused };
  };
  return {
    "/": tellingPath("Help", page("A short help page", { ...html, "text/plain": { schema: { type: "string" } } })),
    "/-/keys": tellingPath("Keys", {
      summary: "Keys in their order, a page at a time",
      parameters: ["prefix", "limit", "cursor", "values", "consistency", "timeout"],
      answers: {
        "200": answer("a page, perhaps a short one", ["Trefoil-Consistency", "Trefoil-Node"], jsonOf("Listing")),
      },
      codes: listed,
      problemHeaders: groupProblemHeaders,
    }),
    "/-/explain/{key}": tellingPath("Explanation", explainPath("key")),
    "/-/explain64/{key64}": tellingPath("Explanation64", explainPath("key64")),
    "/-/cluster": tellingPath("Cluster", {
      summary: "The cluster map, with the health of nodes and groups",
      parameters: ["timeout"],
      answers: { "200": answer("as the answering node sees it", ["Trefoil-Node"], jsonOf("Cluster")) },
      codes: asked,
    }),
    "/-/openapi.json": tellingPath(
      "OpenApi",
      page("This document", { "application/json": { schema: { type: "object" } } }),
    ),
    "/-/docs": tellingPath("Docs", page("This document, as a page", html)),
  };
}

const info = {
  title: "Trefoil",
  version: "1",
  summary: "A sharded, replicated key-value store",
  description:
    "Any node takes any request. Methods that are not named here are answered 405 with Allow, paths that are not 404; " +
    "a parameter that a route does not know is refused, and the nearest known one named.",
};

export function openApi(): Fields {
  const keyPaths = Object.entries(keyParameters).map(([path, place]): [string, Json] => [path, keyPath(path, place)]);
  return {
    openapi: "3.1.0",
    info,
    paths: { ...Object.fromEntries(keyPaths), ...ownPaths() },
    components: { schemas, headers, parameters },
  };
}

let made: string | undefined;

export function openApiText(): string {
  made ??= `${JSON.stringify(openApi())}\n`;
  return made;
}
