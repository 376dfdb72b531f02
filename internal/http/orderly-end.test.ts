import assert from "node:assert/strict";
import { test } from "node:test";
import { HttpRig, withHttpRig } from "../../test/http/rig.ts";

const get = "GET /k?timeout=60s HTTP/1.1\r\nHost: a\r\n\r\n";

test("a listener that listens no more serves who is in, and ends each connection with its next answer; others find nobody", async () => {
  await withHttpRig(async (rig) => {
    const before = await rig.wire();
    before.send(get);
    await before.until("not_found");
    assert.doesNotMatch(before.text, /^Connection: close/m);
    rig.edge.listener.endListening();
    before.send(get);
    const rest = await before.rest();
    assert.equal(rest.match(/^HTTP\/1\.1 404/gm)?.length, 2);
    assert.equal(rest.match(/^Connection: close/gm)?.length, 1);
    await assert.rejects(rig.wire(), /ECONNREFUSED/);
  });
});

test("a listener that closes serves whoever asks once more over a connection that he has held, and then closes without waiting for others", async () => {
  const rig = await HttpRig.open({ nextRequestMilliseconds: 1000, stopMilliseconds: 3_600_000 });
  const [asker, sleeper] = [await rig.wire(), await rig.wire()];
  for (const wire of [asker, sleeper]) {
    wire.send(get);
    await wire.until("not_found");
  }
  const closing = rig.close();
  asker.send(get);
  const rest = await asker.rest();
  assert.equal(rest.match(/^HTTP\/1\.1 404/gm)?.length, 2);
  assert.match(rest, /^Connection: close/m);
  await closing;
  assert.equal((await sleeper.rest()).match(/^HTTP/gm)?.length, 1);
});
