// What is to be seen of a core from outside.

import type { LogIndex, ReplicaId, Term } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Configuration } from "./configuration.ts";
import type { RaftState, Role } from "./state.ts";

export interface RaftStatus {
  readonly id: ReplicaId;
  readonly role: Role["kind"];
  readonly term: Term;
  readonly leader: ReplicaId;
  readonly commit: LogIndex;
  /** Durable here up to this entry. */
  readonly persisted: LogIndex;
  readonly last: LogIndex;
  readonly lastStamp: Stamp;
  /** Of a leader; true for others. */
  readonly hasQuorum: boolean;
  readonly isTransferring: boolean;
  /** A committed configuration that is not in this log leaves this replica out, as a member said. It does not stand again. */
  readonly isRemoved: boolean;
  readonly configuration: Configuration;
  /** Of the entry that brought it. */
  readonly configurationIndex: LogIndex;
}

/** As it is whenever it is looked at: asked for with each write and in each turn, so none is made for that. */
export class PresentStatus implements RaftStatus {
  private readonly state: RaftState;

  constructor(state: RaftState) {
    this.state = state;
  }

  get id(): ReplicaId {
    return this.state.id;
  }

  get role(): Role["kind"] {
    return this.state.role.kind;
  }

  get term(): Term {
    return this.state.term;
  }

  get leader(): ReplicaId {
    return this.state.leader;
  }

  get commit(): LogIndex {
    return this.state.log.commit;
  }

  get persisted(): LogIndex {
    return this.state.log.persisted;
  }

  get last(): LogIndex {
    return this.state.log.last;
  }

  get lastStamp(): Stamp {
    return this.state.log.lastStamp;
  }

  get hasQuorum(): boolean {
    const { role } = this.state;
    return role.kind !== "leader" || role.hasQuorum;
  }

  get isTransferring(): boolean {
    const { role } = this.state;
    return role.kind === "leader" && role.transfer !== undefined;
  }

  get isRemoved(): boolean {
    return this.state.isRemoved;
  }

  get configuration(): Configuration {
    return this.state.configuration;
  }

  get configurationIndex(): LogIndex {
    return this.state.configurations.newest.index;
  }
}

/** Of a moment. */
export type Standing = Pick<RaftStatus, "role" | "term" | "leader" | "commit" | "configuration">;

export function standingOf({ role, term, leader, commit, configuration }: RaftStatus): Standing {
  return { role, term, leader, commit, configuration };
}
