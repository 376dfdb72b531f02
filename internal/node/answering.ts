// What a node answers to the others: founders' words, maps, changes of the map, and what their clients ask of replicas here. Each
// request of a client ends with its asker's time: whoever waits for a majority that does not come holds no place for ever. A visitor,
// who may be anybody, is told where the cluster is, and nothing else.

import { unreachable } from "../base/assert.ts";
import { emptyBytes, utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { groupId } from "../base/ids.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import { encodeMap } from "../cluster/cluster-map.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import type { FoundingWord } from "../cluster/founding.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { IncomingRequest } from "../platform/network.ts";
import { slotOf } from "../ring/slots.ts";
import { clientKind, decodeCall, encodeAnswer, writeGot, writePage, writeSeen, writeWrote } from "./client-wire.ts";
import type { AddressedCall, ClientCall } from "./client-wire.ts";
import { Deadlines } from "./deadlines.ts";
import type { UnfitNodes } from "./unfit-nodes.ts";
import type { GroupAnswer, GroupService, SeenReplica } from "./group-service.ts";
import type { MapKeeper } from "./map-keeper.ts";
import type { NodeDuties } from "./node-duties.ts";
import { decodeTalk, encodeTalk, isMapTalk } from "./peer-talk.ts";
import type { PeerTable } from "./peer-table.ts";
import { again, tooLate, unknownWrite } from "./refusals.ts";

export interface AnsweringParts {
  readonly node: NodeId;
  readonly keeper: MapKeeper;
  readonly service: GroupService;
  readonly duties: Pick<NodeDuties, "takeChange" | "askMap">;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Undefined: this node founds no cluster. */
  hearFounder(from: NodeId, word: FoundingWord): FoundingWord | undefined;
  readonly table: Pick<PeerTable, "noteLeaving">;
  readonly unfit: Pick<UnfitNodes, "hear">;
  onFailure(failure: unknown): void;
}

const metaGroupId = groupId(0);

export class Answering {
  private readonly parts: AnsweringParts;
  /** The map that was told last, as bytes. */
  private told: { readonly map: ClusterMap; readonly bytes: Uint8Array } | undefined;
  private readonly deadlines: Deadlines;
  private writes = 0;
  private lastWriteAt = 0;

  constructor(parts: AnsweringParts) {
    this.parts = parts;
    this.deadlines = new Deadlines(parts.clock, parts.scheduler);
  }

  /** For how long no write of another node's client has been here; 0: one is. */
  get quietMilliseconds(): number {
    return this.writes > 0 ? 0 : this.parts.clock.monotonicMilliseconds() - this.lastWriteAt;
  }

  serve(from: NodeId, request: IncomingRequest): void {
    const { payload } = request;
    if ((payload[0] ?? 0) >= clientKind.get) this.serveClient(from, request);
    else this.settle(from, request, this.answerTalk(from, payload));
  }

  /** It asks for the map, or is refused; what it says itself is passed over. */
  serveVisitor(from: NodeId, request: IncomingRequest): void {
    if (isMapTalk(request.payload)) this.settle(from, request, this.answerTalk(from, askForMap));
    else request.refuse();
  }

  private settle(from: NodeId, request: IncomingRequest, answered: Promise<Uint8Array>): void {
    answered.then(
      (payload) => request.answer(payload),
      (failure: unknown) => {
        request.refuse();
        if (!(failure instanceof TrefoilError)) this.parts.onFailure(failure);
        else if (failure.code !== "no_leader") this.warn(from, failure, request.trace);
      },
    );
  }

  private warn(from: NodeId, failure: TrefoilError, trace: string): void {
    const whose = trace === "" ? {} : { trace };
    this.parts.logger.warn("a request of another node was refused", { from, why: failure.message, ...whose });
  }

  /** A refusal says that nothing was begun, and that it may be tried again: so it is for no request of a client. */
  private serveClient(from: NodeId, request: IncomingRequest): void {
    let asked: AddressedCall;
    try {
      asked = decodeCall(request.payload);
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) return this.parts.onFailure(failure);
      this.warn(from, failure, request.trace);
      request.answer(encodeAnswer(unreadable(failure), nothing, undefined));
      return;
    }
    if (asked.epoch > this.parts.keeper.epoch) this.parts.duties.askMap(from);
    let isOver = false;
    const end = (payload: Uint8Array): void => {
      if (isOver) return;
      isOver = true;
      this.deadlines.end(deadline);
      request.answer(payload);
    };
    const deadline = this.deadlines.begin(request.remainingMilliseconds, () => {
      end(encodeAnswer(late(this.parts.node, asked.call), nothing, undefined));
    });
    this.answerCall(asked).then(end, (failure: unknown) => {
      if (!(failure instanceof TrefoilError)) return this.parts.onFailure(failure);
      this.warn(from, failure, request.trace);
      end(encodeAnswer(failedBy(failure), nothing, undefined));
    });
  }

  private async answerTalk(from: NodeId, payload: Uint8Array): Promise<Uint8Array> {
    const { keeper, duties } = this.parts;
    const talk = decodeTalk(payload);
    switch (talk.kind) {
      case "found": {
        const word = this.parts.hearFounder(from, talk.word);
        if (word === undefined) throw new TrefoilError("starting", "this node founds no cluster");
        return utf8(JSON.stringify(word));
      }
      case "map": {
        if (talk.map !== undefined) keeper.adopt(talk.map);
        const { map, epoch } = keeper;
        return map === undefined || epoch <= talk.epoch ? emptyBytes : encodeTalk({ kind: "map", epoch, map });
      }
      case "leaving":
        this.parts.table.noteLeaving(from);
        return emptyBytes;
      case "unfit":
        this.parts.unfit.hear(from, talk.why);
        return emptyBytes;
      case "clock":
        return encodeTalk({ kind: "clock", wall: Math.round(this.parts.clock.wallMilliseconds()) });
      case "register":
        if (talk.node.id !== from) {
          throw new TrefoilError("conflict", `it would register node ${talk.node.id}; each node registers itself`);
        }
        await duties.takeChange(talk);
        return emptyBytes;
      case "joined":
        await duties.takeChange(talk);
        return emptyBytes;
      default:
        return unreachable(talk, "what a node asks another");
    }
  }

  private async answerCall({ epoch, group, call }: AddressedCall): Promise<Uint8Array> {
    const { keeper, service } = this.parts;
    const newer = epoch < keeper.epoch ? this.mapBytes() : undefined;
    // It holds no keys of users.
    if (group === metaGroupId && call.kind !== "view")
      throw new TrefoilError("bad_request", "a request for the meta group");
    if (newer !== undefined && !this.isOwner(group, call)) return encodeAnswer(again("moved"), nothing, newer);
    switch (call.kind) {
      case "get":
        return encodeAnswer(await service.get(group, call.asked), writeGot, newer);
      case "write":
        this.writes++;
        try {
          return encodeAnswer(await service.write(group, call.asked), writeWrote, newer);
        } finally {
          this.writes--;
          this.lastWriteAt = this.parts.clock.monotonicMilliseconds();
        }
      case "list":
        return encodeAnswer(await service.list(group, call.asked), writePage, newer);
      case "view":
        return encodeAnswer(seen(service.view(group)), writeSeen, newer);
      default:
        return unreachable(call, "a call of a client");
    }
  }

  /** Whether the slot of a call is its group's, as far as this node's map goes: the asker went by an older one. */
  private isOwner(group: GroupId, call: ClientCall): boolean {
    const { ring } = this.parts.keeper;
    const key = call.kind === "get" ? call.asked.key : call.kind === "write" ? call.asked.request.key : undefined;
    return key === undefined || ring === undefined || ring.ownerOf(slotOf(key, 0, key.length)) === group;
  }

  private mapBytes(): Uint8Array | undefined {
    const { map } = this.parts.keeper;
    if (map === undefined) return undefined;
    if (this.told?.map !== map) this.told = { map, bytes: encodeMap(map) };
    return this.told.bytes;
  }
}

const askForMap = encodeTalk({ kind: "map", epoch: 0, map: undefined });
const nothing = (): void => undefined;

function late(node: NodeId, { kind }: ClientCall): GroupAnswer<never> {
  return kind === "write" ? unknownWrite(node, "late") : tooLate(node);
}

/** Another node lets in what this one does not, or writes it otherwise: it would be the same again. */
function unreadable({ message }: TrefoilError): GroupAnswer<never> {
  const detail = `the node that holds the key does not understand the request: ${message}`;
  return failedBy(new TrefoilError("bad_request", detail));
}

function failedBy({ code, outcome, message }: TrefoilError): GroupAnswer<never> {
  return { kind: "failed", code, outcome, detail: message, version: undefined, mayRepeat: false };
}

function seen(view: SeenReplica | undefined): GroupAnswer<SeenReplica> {
  return view === undefined ? again("not_here") : { kind: "done", value: view };
}
