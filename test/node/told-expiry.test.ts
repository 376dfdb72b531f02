// When a value ends, as the answer to its write tells it: of this very write, or not at all.

import assert from "node:assert/strict";
import { it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { millisecondsOfStamp, stampMax } from "../../internal/base/stamp.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import { GroupService } from "../../internal/node/group-service.ts";
import type { WroteValue } from "../../internal/node/group-service.ts";
import type { WriteMode } from "../../internal/node/requests.ts";
import { Rig, theGroup } from "../replica/rig.ts";

interface Asked {
  readonly id?: string;
  readonly mode?: WriteMode;
  readonly firstTry: Stamp;
}

class Client {
  private readonly rig: Rig;
  private readonly service: GroupService;

  constructor(rig: Rig) {
    this.rig = rig;
    this.service = new GroupService(
      () => rig.replica(1),
      () => undefined,
      () => stampMax,
    );
  }

  /** Puts a value that lives for a minute. */
  put({ id, mode = "strong", firstTry }: Asked): Promise<WroteValue> {
    return this.rig.answer(this.write(mode, id, firstTry));
  }

  private async write(mode: WriteMode, id: string | undefined, stamp: Stamp): Promise<WroteValue> {
    const requestId = id === undefined ? undefined : utf8(id);
    const request = { kind: "put", key: utf8("k"), mode, condition: undefined, requestId } as const;
    const content = { value: utf8("v"), contentType: "", ttl: { kind: "milliseconds", milliseconds: 60_000 } } as const;
    const answer = await this.service.write(theGroup, { request: { ...request, ...content }, mode, stamp });
    assert.ok(answer.kind === "done", answer.kind);
    return answer.value;
  }

  /** When the value ends, in truth. */
  async ends(): Promise<number> {
    const record = await this.rig.replica(1).readFast(utf8("k"));
    assert.ok(record !== undefined);
    return millisecondsOfStamp(record.expiry);
  }
}

it("rule 17: an answer that is remembered tells no expiry, for what this try would have come to is not what there is", async () => {
  const rig = await Rig.open();
  const lead = await rig.elect(1);
  await rig.level();
  const client = new Client(rig);
  const firstTry = lead.state.last.stamp;
  for (const mode of ["strong", "fast"] as const) {
    const asked = { id: mode, mode, firstTry };
    const first = await client.put(asked);
    await rig.level();
    const ends = await client.ends();
    assert.equal(first.expiresAt, ends, "its own it tells");
    await rig.ticks(40);
    for (const again of ["strong", "fast"] as const) {
      const told = await client.put({ ...asked, mode: again });
      assert.deepEqual([told.version, told.expiresAt], [first.version, undefined], `${mode}, then ${again}`);
    }
    await rig.level();
    assert.equal(await client.ends(), ends);
  }
  await rig.close();
});

it("rule 17: nor does the answer to a first try that is still on its way", async () => {
  const rig = await Rig.open();
  const lead = await rig.elect(1);
  await rig.level();
  const client = new Client(rig);
  const asked = { id: "R", firstTry: lead.state.last.stamp };
  const [first, joined] = await Promise.all([client.put(asked), client.put(asked)]);
  await rig.level();
  assert.deepEqual([first.expiresAt, joined.expiresAt], [await client.ends(), undefined]);
  assert.deepEqual(joined.version, first.version);
  const other = await client.put({ firstTry: asked.firstTry });
  await rig.level();
  assert.equal(other.expiresAt, await client.ends(), "a write without an id is its own");
  await rig.close();
});
