// Messages and members in one short line each, for people who follow a trace.

import type { Configuration } from "../../internal/raft/configuration.ts";
import type { Append, Message } from "../../internal/raft/messages.ts";
import type { Member } from "./world.ts";

export function messageText(message: Message): string {
  const { from, to, type, term } = message;
  const more = detailText(message);
  return `${from}>${to} ${type} t${term}${more === "" ? "" : ` ${more}`}`;
}

function detailText(message: Message): string {
  switch (message.type) {
    case "pre_vote":
    case "vote":
      return `last ${message.lastTerm}.${message.lastIndex}${message.type === "vote" && message.isTransfer ? " transfer" : ""}`;
    case "pre_vote_answer":
      return message.isGranted
        ? "yes"
        : `no${message.isSticky ? ", has a leader" : ""}${message.isRemoved ? ", removed" : ""}`;
    case "vote_answer":
      return message.isGranted ? "yes" : "no";
    case "append":
      return `${appendText(message)}${quorumText(message)}`;
    case "append_accepted":
      return `to ${message.index}${message.isClockRefused ? ", the rest is of a wrong clock" : ""}${salvageText(message)}`;
    case "append_rejected":
      return `${message.rejected}, try ${message.hintTerm}.${message.hintIndex}${salvageText(message)}`;
    case "heartbeat":
      return `commit ${message.commit} round ${message.round}${quorumText(message)}`;
    case "heartbeat_answer":
      return `round ${message.round}${salvageText(message)}`;
    case "snapshot":
      return `${message.snapshotTerm}.${message.index} of ${configurationText(message.configuration)}`;
    case "read_confirmed":
      return `at ${message.commit}`;
    case "read_refused":
      return message.why;
    case "transfer_now":
      return `behind ${message.lastIndex}`;
    case "read":
      return "";
    default:
      return message satisfies never;
  }
}

function appendText({ previousTerm, previousIndex, entries, commit }: Append): string {
  const first = entries[0];
  const last = entries.at(-1);
  const range =
    first === undefined || last === undefined
      ? "nothing"
      : first === last
        ? `${first.term}.${first.index}`
        : `${first.term}.${first.index}-${last.term}.${last.index}`;
  return `${range} behind ${previousTerm}.${previousIndex} commit ${commit}`;
}

const quorumText = ({ hasQuorum }: { readonly hasQuorum: boolean }): string => (hasQuorum ? "" : " no quorum");
const salvageText = ({ hasSalvage }: { readonly hasSalvage: boolean }): string => (hasSalvage ? ", keeps salvage" : "");

function configurationText({ voters, outgoing, learners }: Configuration): string {
  const out = outgoing.length === 0 ? "" : ` for ${outgoing.join(",")}`;
  return `${voters.join(",")}${out}${learners.length === 0 ? "" : ` learners ${learners.join(",")}`}`;
}

export function statusText(member: Member): string {
  const { id, role, term, commit, last, configuration, hasQuorum, isRemoved } = member.raft.status;
  const lastTerm = member.raft.termOf(last) ?? 0;
  const quorum = hasQuorum ? "" : " without quorum";
  return `${id} ${role}${quorum} term ${term} last ${lastTerm}.${last} commit ${commit} of ${configurationText(configuration)}${isRemoved ? ", removed" : ""}`;
}
