import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, replicaId, term } from "../base/ids.ts";
import type { GroupLog } from "../log/group-log.ts";
import type { Log } from "../log/log.ts";
import type { Message } from "../raft/messages.ts";
import type { Raft } from "../raft/raft.ts";
import type { Ready } from "../raft/types.ts";
import { Persisting } from "./persisting.ts";

/** A log whose batches a test numbers, and writes. */
class World {
  readonly log = { written: 0 };
  batch = 0;
  readonly persisted: number[] = [];
  readonly sent: number[] = [];
  readonly persisting: Persisting;
  private number = 0;

  constructor() {
    const group = { group: 1, appendRecord: () => this.batch, hardState: { commit: 0 }, lastIndex: 0 };
    const raft = { persisted: (number: number) => void this.persisted.push(number) };
    const parts = { group: group as unknown as GroupLog, raft: raft as unknown as Raft };
    const log = this.log as unknown as Log;
    this.persisting = new Persisting(log, parts.group, parts.raft, (message) => void this.sent.push(message.term));
  }

  /** With an entry for the disk, if it is to have one, and a message that waits, named by its term. */
  stage(named: number, hasEntry: boolean): void {
    const entry = { term: term(1), index: logIndex(1), stamp: 1, flags: 0, kind: 2, payload: new Uint8Array(0) };
    const message = { type: "vote_answer", from: replicaId(1), to: replicaId(2), term: term(named), isGranted: true };
    const ready = {
      number: ++this.number,
      entries: hasEntry ? [entry] : [],
      messages: [],
      messagesAfterPersist: [message as Message],
    };
    assert.ok(
      this.persisting.stageNow({ ...ready, hardState: undefined, truncateFrom: undefined } as unknown as Ready),
    );
  }

  write(batch: number): boolean {
    this.log.written = batch;
    return this.persisting.progress();
  }
}

describe("messages that wait for the disk", () => {
  it("leave when their batch is written, and the core is told of the last Ready in it first", () => {
    const world = new World();
    world.batch = 1;
    world.stage(11, true);
    world.stage(12, false);
    world.batch = 2;
    world.stage(13, true);
    assert.equal(world.write(0), false);
    assert.deepEqual(world.sent, []);
    assert.equal(world.write(1), true);
    assert.deepEqual([world.persisted, world.sent], [[2], [11, 12]]);
    assert.equal(world.write(2), true);
    assert.deepEqual(
      [world.persisted, world.sent],
      [
        [2, 3],
        [11, 12, 13],
      ],
    );
    world.stage(14, false);
    assert.equal(world.write(2), true, "what has nothing for the disk waits for nothing");
    assert.deepEqual(world.sent.slice(3), [14]);
  });

  it("are bounded while a disk hangs, and flow again when it does not", () => {
    const world = new World();
    world.batch = 1;
    for (let named = 1; named <= 20_000; named++) world.stage(named, named % 100 === 1);
    world.write(1);
    assert.ok(world.sent.length >= 1000 && world.sent.length < 10_000, `${world.sent.length} were held`);
    assert.deepEqual(world.persisted, [20_000]);
    world.batch = 2;
    world.stage(77, true);
    world.write(2);
    assert.equal(world.sent.at(-1), 77);
  });
});
