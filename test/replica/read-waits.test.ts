// Strong reads that wait for entries which are never applied, for their leader lost its office and the log went another way.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { accepted, put, Rig } from "./rig.ts";

describe("a strong read that was confirmed", () => {
  for (const reader of [1, 2]) {
    it(`on node ${reader} is answered though what it waits for went with its leader, and nobody writes any more`, async () => {
      const rig = await Rig.open();
      const lead = await rig.elect(1);
      await rig.write(1, "strong", put("a", "1"));
      await rig.level();
      // Only the leader has these; heartbeats pass, so that it confirms the read.
      rig.passes = ({ type }) => type !== "append";
      for (let at = 0; at < 8; at++) accepted(lead.propose("strong", () => put("b", String(at))));
      await rig.rest();
      const read = rig.replica(reader).readStrong(utf8("a"));
      const isConfirmed = (): boolean =>
        reader === 1 ? rig.sent.filter(({ type }) => type === "heartbeat_answer").length > 1 : confirmed();
      const confirmed = (): boolean => rig.sent.some(({ type }) => type === "read_confirmed");
      await rig.until(isConfirmed, "the confirmation");
      await rig.rest();
      rig.isolate(1);
      rig.passes = () => true;
      await rig.until(() => rig.leader !== undefined && rig.leader !== 1, "another leader");
      if (reader === 1) rig.rejoin(1);
      const answer = await rig.answer(read);
      assert.equal(answer.kind, "record");
      await rig.close();
    });
  }
});
