// Fast reads at once, out of a replica of the node's own, as its coordinator asks for them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stampMax } from "../../internal/base/stamp.ts";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { replicaId } from "../../internal/base/ids.ts";
import { GroupService } from "../../internal/node/group-service.ts";
import { del, put, Rig, theGroup } from "../replica/rig.ts";

const key = utf8("a");
const ids = (...numbers: number[]) => numbers.map(replicaId);

describe("a fast read at once", () => {
  it("rule 16: is none while the replica lacks what the node told a client before the replica was opened", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    await rig.write(1, "strong", put("a", "old"));
    await rig.level();
    // Told by way of the node of replica 3, which hears of nothing and is opened anew.
    rig.isolate(3);
    const told = await rig.write(1, "strong", put("a", "new"));
    rig.node(3).crash();
    await rig.node(3).start();
    const service = new GroupService(
      () => rig.replica(3),
      () => undefined,
      () => stampMax,
    );
    const read = () => service.getNow(theGroup, key, { newest: told.version, committed: told.version });
    assert.equal(read(), undefined);
    rig.rejoin(3);
    await rig.level();
    assert.equal(utf8Text(read()?.record?.value ?? key), "new");
    await rig.close();
  });

  it("rule 16: tells up to where what it shows may come from: of what is answered fast, up to there", async () => {
    const rig = await Rig.open();
    await rig.elect(1);
    const first = await rig.write(1, "strong", put("a", "old"));
    await rig.level();
    const at = (id: number): GroupService =>
      new GroupService(
        () => rig.replica(id),
        () => undefined,
        () => stampMax,
      );
    const seen = (id: number, name = "a") => {
      const got = at(id).getNow(theGroup, utf8(name), undefined);
      return [got?.record && utf8Text(got.record.value), got?.applied, got?.ahead];
    };
    const { applied } = rig.replica(2);
    assert.ok(applied.index >= first.version.index);
    assert.deepEqual(seen(2), ["old", applied, undefined]);
    assert.deepEqual(seen(2, "nothing"), [undefined, applied, undefined]);
    rig.isolate(1);
    const second = await rig.write(1, "fast", put("a", "new"));
    const third = await rig.write(1, "fast", del("b"));
    assert.deepEqual(seen(1), ["new", applied, second.version]);
    assert.deepEqual(seen(1, "b"), [undefined, applied, third.version]);
    assert.deepEqual(seen(2), ["old", applied, undefined]);
    await rig.close();
  });

  it("is none while the replica is being filled, be it that all has come and it does not know yet that it votes", async () => {
    const rig = await Rig.open();
    const lead = await rig.elect(1);
    await rig.write(1, "strong", put("a", "there"));
    await rig.level();
    await rig.add(4).start();
    const service = new GroupService(
      () => rig.replica(4),
      () => undefined,
      () => stampMax,
    );
    const read = (): string => {
      const got = service.getNow(theGroup, key, undefined);
      return got === undefined ? "none" : got.record === undefined ? "absent" : utf8Text(got.record.value);
    };
    const seen = new Set<string>();
    lead.change({ voters: ids(1, 2, 3), learners: ids(4) });
    await rig.until(() => {
      seen.add(read());
      return lead.state.configuration.index > 0 && rig.replica(4).appliedIndex === lead.appliedIndex;
    }, "all to have come");
    seen.add(read());
    await rig.until(() => lead.change({ voters: ids(1, 2, 4), learners: [] }).kind === "accepted", "the exchange");
    assert.deepEqual([...seen], ["none"]);
    await rig.until(() => read() !== "none", "it to know that it votes");
    assert.equal(read(), "there");
    await rig.close();
  });
});
