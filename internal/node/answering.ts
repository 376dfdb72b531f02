// What a node answers to the others: founders' words, maps, changes of the map, and what their clients ask of replicas here.

import { unreachable } from "../base/assert.ts";
import { emptyBytes, utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { groupId } from "../base/ids.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import { encodeMap } from "../cluster/cluster-map.ts";
import type { FoundingWord } from "../cluster/founding.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { IncomingRequest } from "../platform/network.ts";
import { clientKind, decodeCall, encodeAnswer, writeGot, writePage, writeSeen, writeWrote } from "./client-wire.ts";
import type { AddressedCall } from "./client-wire.ts";
import type { GroupAnswer, GroupService, GroupWrite, SeenReplica, WroteValue } from "./group-service.ts";
import type { MapKeeper } from "./map-keeper.ts";
import type { NodeDuties } from "./node-duties.ts";
import { decodeTalk, encodeTalk } from "./peer-talk.ts";

export interface AnsweringParts {
  readonly keeper: MapKeeper;
  readonly service: GroupService;
  readonly duties: NodeDuties;
  readonly logger: Logger;
  readonly clock: Clock;
  /** Undefined: this node founds no cluster. */
  hearFounder(from: NodeId, word: FoundingWord): FoundingWord | undefined;
  onFailure(failure: unknown): void;
}

const metaGroupId = groupId(0);

export class Answering {
  private readonly parts: AnsweringParts;
  private writes = 0;
  private lastWriteAt = 0;

  constructor(parts: AnsweringParts) {
    this.parts = parts;
  }

  /** For how long no write of another node's client has been here; 0: one is. */
  get quietMilliseconds(): number {
    return this.writes > 0 ? 0 : this.parts.clock.monotonicMilliseconds() - this.lastWriteAt;
  }

  serve(from: NodeId, request: IncomingRequest): void {
    const { logger } = this.parts;
    this.answerTo(from, request.payload).then(
      (payload) => request.answer(payload),
      (failure: unknown) => {
        request.refuse();
        if (!(failure instanceof TrefoilError)) return this.parts.onFailure(failure);
        if (failure.code !== "no_leader")
          logger.warn("a request of another node was refused", { from, why: failure.message });
        return undefined;
      },
    );
  }

  private async answerTo(from: NodeId, payload: Uint8Array): Promise<Uint8Array> {
    if ((payload[0] ?? 0) >= clientKind.get) return this.answerCall(decodeCall(payload));
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
      case "register":
      case "joined":
        await duties.takeChange(talk);
        return emptyBytes;
      default:
        return unreachable(talk, "what a node asks another");
    }
  }

  private async answerCall({ epoch, group, call }: AddressedCall): Promise<Uint8Array> {
    const { keeper, service } = this.parts;
    const { map } = keeper;
    const newer = map !== undefined && map.epoch > epoch ? encodeMap(map) : undefined;
    // It holds no keys of users.
    if (group === metaGroupId && call.kind !== "view")
      throw new TrefoilError("bad_request", "a request for the meta group");
    switch (call.kind) {
      case "get":
        return encodeAnswer(await service.get(group, call.asked), writeGot, newer);
      case "write":
        return encodeAnswer(await this.write(group, call.asked), writeWrote, newer);
      case "list":
        return encodeAnswer(await service.list(group, call.asked), writePage, newer);
      case "view":
        return encodeAnswer(seen(service.view(group)), writeSeen, newer);
      default:
        return unreachable(call, "a call of a client");
    }
  }

  private async write(group: GroupId, asked: GroupWrite): Promise<GroupAnswer<WroteValue>> {
    this.writes++;
    try {
      return await this.parts.service.write(group, asked);
    } finally {
      this.writes--;
      this.lastWriteAt = this.parts.clock.monotonicMilliseconds();
    }
  }
}

function seen(view: SeenReplica | undefined): GroupAnswer<SeenReplica> {
  return view === undefined ? { kind: "again", why: "not_here", leader: undefined } : { kind: "done", value: view };
}
