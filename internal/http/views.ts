// What a node knows of the cluster and of a key's place in it, as JSON. Members are always there: null is unknown, or nobody.

import type { ClusterView, Explanation } from "../node/requests.ts";
import { expiryText, bytesMember, shownType } from "./records.ts";
import { versionText } from "./preconditions.ts";
import type { Answer } from "./answer.ts";

export function clusterAnswer(view: ClusterView): Answer {
  return viewAnswer(jsonText(view), view.answeredBy);
}

export function explanationAnswer(key: Uint8Array, explanation: Explanation, node: string): Answer {
  const { record, ...rest } = explanation;
  const shown =
    record === undefined
      ? undefined
      : {
          version: versionText(record.version),
          expiresAt: record.expiresAt === undefined ? undefined : expiryText(record.expiresAt),
          contentType: shownType(record.contentType),
        };
  return viewAnswer(`{${bytesMember("key", key)},${jsonText({ ...rest, record: shown }).slice(1)}`, node);
}

function viewAnswer(text: string, node: string): Answer {
  return { status: 200, headers: ["Content-Type", "application/json", "Trefoil-Node", node], body: `${text}\n` };
}

function jsonText(value: object): string {
  return JSON.stringify(value, (_name, member: unknown) => (member === undefined ? null : member));
}
