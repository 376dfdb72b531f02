// Branded numbers: a term cannot be passed where an index is wanted. All are whole numbers below
// 2^53, so that they stay exact in a double; none is ever a bigint.

declare const brand: unique symbol;
type Branded<Name extends string> = number & { readonly [brand]: Name };

/** A Raft group. Group 0 is the meta group. Fits 32 bits. */
export type GroupId = Branded<"GroupId">;
/** A replica of a group; a replica whose disk is lost comes back under another one. 0 is nobody. Fits 32 bits. */
export type ReplicaId = Branded<"ReplicaId">;
/** A Raft term. */
export type Term = Branded<"Term">;
/** The position of an entry in its group's log, from 1; 0 is "before the first". */
export type LogIndex = Branded<"LogIndex">;
/** The number under which one group's data lies in a node's engine. Fits 32 bits. */
export type Incarnation = Branded<"Incarnation">;
/** The engine's count of writes: orders the versions of a key within one engine, on one node only. */
export type Sequence = Branded<"Sequence">;
/** Names a file of the engine; never reused. */
export type FileNumber = Branded<"FileNumber">;

export const groupId = (value: number): GroupId => value as GroupId;
export const replicaId = (value: number): ReplicaId => value as ReplicaId;
export const nobody = 0 as ReplicaId;
export const term = (value: number): Term => value as Term;
export const logIndex = (value: number): LogIndex => value as LogIndex;
export const incarnation = (value: number): Incarnation => value as Incarnation;
export const sequence = (value: number): Sequence => value as Sequence;
export const fileNumber = (value: number): FileNumber => value as FileNumber;

/** The name of a node, as `--id` gives it. */
export type NodeId = string & { readonly [brand]: "NodeId" };

export const nodeId = (value: string): NodeId => value as NodeId;
