// What a command comes to by all that its group knows: whether its request may still have an effect, whether its slots are here, what
// its operations come to, and whether the answer can be remembered. The same on every replica.

import { slotOf } from "../ring/slots.ts";
import { answerBytesMax } from "./answer.ts";
import type { CommandAnswer, RefusalReason } from "./answer.ts";
import type { Command } from "./command.ts";
import { decide } from "./decide.ts";
import type { Decision, Lookup } from "./decide.ts";
import { refusalOfRequest } from "./group-state.ts";
import type { Boundary, GroupState } from "./group-state.ts";

export interface CommandOutcome extends Decision {
  /** Otherwise the same request may yet take effect, later or elsewhere: it is not remembered. */
  readonly isFinal: boolean;
}

export function outcomeOf(command: Command, entry: Boundary, state: GroupState, lookup: Lookup): CommandOutcome {
  const version = { term: entry.term, index: entry.index };
  const refuse = (why: RefusalReason, operation: number): CommandOutcome => {
    const answer: CommandAnswer = { kind: "refused", version, why, operation, present: undefined };
    return { answer, writes: [], isFinal: false };
  };
  const { request, operations } = command;
  const wrong = request === undefined ? undefined : refusalOfRequest(request, entry.stamp);
  if (wrong !== undefined) return refuse(wrong, 0);
  const { slots } = state;
  if (slots.sealedCount > 0) {
    const sealed = operations.findIndex(({ key }) => slots.isSealed(slotOf(key, 0, key.length)));
    if (sealed >= 0) return refuse("sealed", sealed);
  }
  const decision = decide(command, entry, lookup);
  if (request !== undefined && !state.hasRoomForAnswer(answerBytesMax(decision.answer))) {
    return refuse("answers_full", 0);
  }
  return { ...decision, isFinal: true };
}
