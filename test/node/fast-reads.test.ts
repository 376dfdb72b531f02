// Fast reads at once, out of a replica of the node's own, as its coordinator asks for them.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { GroupService } from "../../internal/node/group-service.ts";
import { put, Rig, theGroup } from "../replica/rig.ts";

const key = utf8("a");

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
    );
    const read = () => service.getNow(theGroup, key, told.version);
    assert.equal(read(), undefined);
    rig.rejoin(3);
    await rig.level();
    assert.equal(utf8Text(read()?.record?.value ?? key), "new");
    await rig.close();
  });
});
