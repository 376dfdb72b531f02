// What a node knows of the cluster and of a key's place in it, as JSON. Members are always there: null is unknown, or nobody.

import { unreachable } from "../base/assert.ts";
import type { ClusterView, ExplainedRecord, Explanation } from "../node/requests.ts";
import { expiryText, bytesMember, shownType } from "./records.ts";
import { versionText } from "./preconditions.ts";
import type { Answer } from "./answer.ts";

export function clusterAnswer(view: ClusterView): Answer {
  return viewAnswer(jsonText(view), view.answeredBy);
}

export function explanationAnswer(key: Uint8Array, explanation: Explanation, node: string): Answer {
  const { record, ...rest } = explanation;
  const shown = shownRecord(record);
  return viewAnswer(`{${bytesMember("key", key)},${jsonText({ ...rest, record: shown }).slice(1)}`, node);
}

/** Nothing is null; what nobody could tell is not. */
function shownRecord(record: ExplainedRecord): object | undefined {
  switch (record.kind) {
    case "absent":
      return undefined;
    case "unknown":
      return { unknown: record.code, detail: record.detail };
    case "present": {
      const { version, expiresAt, contentType } = record;
      return {
        version: versionText(version),
        expiresAt: expiresAt === undefined ? undefined : expiryText(expiresAt),
        contentType: shownType(contentType),
      };
    }
    default:
      return unreachable(record, "a record that is explained");
  }
}

function viewAnswer(text: string, node: string): Answer {
  return { status: 200, headers: ["Content-Type", "application/json", "Trefoil-Node", node], body: `${text}\n` };
}

function jsonText(value: object): string {
  return JSON.stringify(value, (_name, member: unknown) => (member === undefined ? null : member));
}
