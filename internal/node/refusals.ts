// What a caller is told when no replica could take its request, or nobody knows what came of it.

import { unreachable } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import { GroupRefusal } from "./failure.ts";
import type { Again, GroupAnswer } from "./group-service.ts";
import type { ReadMode } from "./requests.ts";

export const again = (why: Again): GroupAnswer<never> => ({ kind: "again", why, leader: undefined });

/** What to do when nobody knows what became of a write. */
export const beforeAnother = "read the key before writing again, or send an Idempotency-Key with each try";

/** Throws what `node` refused for the group. `consistency`: what a condition was looked at with. */
export function valueOf<T>(
  { answer, node }: { readonly answer: GroupAnswer<T>; readonly node: NodeId },
  group: GroupId,
  consistency: ReadMode,
): T {
  switch (answer.kind) {
    case "done":
      return answer.value;
    case "failed": {
      const { code, detail, outcome, version } = answer;
      // What a group's log has decided its leader tells.
      const decided = isOfTheLog(code) ? ({ role: "leader", consistency } as const) : undefined;
      throw new GroupRefusal({ code, detail, outcome }, { node, group, decided, version });
    }
    case "again":
      throw new TrefoilError(codeOf(answer.why), "no replica could take the request");
    default:
      return unreachable(answer, "an answer");
  }
}

export type Failed = Extract<GroupAnswer<never>, { readonly kind: "failed" }>;

export function unknownWrite(node: NodeId, why: "late" | "lost" | "unsent" | "unreadable"): Failed {
  const reason = {
    late: "the time was up",
    lost: `the connection to ${node} was lost`,
    unsent: `${node} could not send its answer`,
    unreadable: `what ${node} said cannot be read`,
  }[why];
  const detail =
    `whether the write takes effect is not known: ${reason} before ${node} had answered it; ` + beforeAnother;
  return { kind: "failed", code: "outcome_unknown", outcome: "unknown", detail, version: undefined, mayRepeat: true };
}

/**
 * What a try is told when an earlier one under the same request id may have taken effect. An answer of the group's log is the
 * answer to both; what was refused before it came there says nothing of the earlier one.
 */
export function isFinalAfterUnknown({ code, outcome }: Failed): boolean {
  return outcome !== "not_applied" || isOfTheLog(code);
}

function isOfTheLog(code: ErrorCode): boolean {
  return code === "precondition_failed" || code === "conflict";
}

export function tooLate(node: NodeId): Failed {
  const detail = `the time was up before ${node} had answered; try again, or with a longer timeout`;
  return {
    kind: "failed",
    code: "deadline_exceeded",
    outcome: "not_applied",
    detail,
    version: undefined,
    mayRepeat: false,
  };
}

/** Of a request whose time was so short that nobody was asked. */
export function untried(group: GroupId): TrefoilError {
  const detail = `the time was up before a replica of group ${group} could be asked; try again with a longer timeout`;
  return new TrefoilError("deadline_exceeded", detail);
}

export function stopping(): TrefoilError {
  return new TrefoilError("stopping", "this node is stopping; ask another one");
}

/** Of a gateway to which no node is connected. */
export const reachesNobody = "this gateway reaches no node of its cluster";
export const cutOff = `${reachesNobody}; try again when one is back`;

/** Of a request that no replica of its group took. */
export function notTaken(failure: TrefoilError, node: NodeId, group: GroupId): GroupRefusal {
  const { code, outcome, message: detail } = failure;
  return new GroupRefusal({ code, outcome, detail }, { node, group, decided: undefined, version: undefined }, failure);
}

/** From what passes by itself to what whoever asks has to know. */
const severity: readonly Again[] = [
  "no_leader",
  "not_leader",
  "behind",
  "not_here",
  "moved",
  "stopping",
  "no_quorum",
  "busy",
];

export function worse(one: Again, other: Again): Again {
  return severity.indexOf(other) > severity.indexOf(one) ? other : one;
}

export function codeOf(why: Again): ErrorCode {
  switch (why) {
    case "no_quorum":
      return "no_quorum";
    case "busy":
      return "busy";
    case "moved":
      return "stale_map";
    case "not_here":
      return "starting";
    case "stopping":
    case "not_leader":
    case "no_leader":
    case "behind":
      return "no_leader";
    default:
      return unreachable(why, "a reason to try again");
  }
}

/** Of the nodes of a group, as `asker` finds them: another node may hear of them. */
export interface Trouble {
  readonly asker: NodeId;
  /** They are not connected, or let the time pass when they were asked last. */
  readonly silent: readonly NodeId[];
  /** They are connected still, and have said that they stop. */
  readonly stopping: readonly NodeId[];
  /** What they said last is no answer. */
  readonly unreadable: readonly NodeId[];
}

export function detailOf(why: Again, group: GroupId, trouble: Trouble): string {
  switch (why) {
    case "no_quorum":
      return `group ${group}: its leader hears no majority of its replicas${inWords(trouble)}; try again when they are back`;
    case "busy":
      return `group ${group} has too much to do; try again a little later`;
    case "moved":
      return `group ${group}: the key's slot moves to another group, or has moved; try again`;
    case "not_here":
      return (
        `group ${group}: a node that should have a replica has none open, for it is starting, or goes by another map than this one; and no other one ` +
        `could take the request; try again`
      );
    case "stopping":
    case "not_leader":
    case "no_leader":
    case "behind":
      return `group ${group}: nobody who leads it was found in time${inWords(trouble)}; try again${whenBack(trouble)}`;
    default:
      return unreachable(why, "a reason to try again");
  }
}

/** ", and n2 and n3 do not answer n1", or nothing. */
function inWords({ asker, silent, stopping, unreadable }: Trouble): string {
  const told: readonly (readonly [nodes: readonly NodeId[], one: string, more: string])[] = [
    [unreadable, "gave no answer that can be read", "gave no answer that can be read"],
    [silent, `does not answer ${asker}`, `do not answer ${asker}`],
    [stopping, "stops", "stop"],
  ];
  return told
    .filter(([nodes]) => nodes.length > 0)
    .map(([nodes, one, more]) => `, and ${nodes.join(" and ")} ${nodes.length === 1 ? one : more}`)
    .join("");
}

function whenBack({ silent, stopping }: Trouble): string {
  const away = silent.length + stopping.length;
  if (away === 0) return "";
  return away === 1 ? " when it is back" : " when they are back";
}
