// docs/grpc.md: every grpcurl line in it is asked, in order, and has to be answered as the comment below it says; its tables are the code's.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { status } from "@grpc/grpc-js";
import { errorCodes } from "../../internal/base/errors.ts";
import { defaultLimits } from "../../internal/kv/limits.ts";
import { asksForPatience } from "../../internal/node/failure.ts";
import { jsonClient, withoutDefaults } from "./client.ts";
import type { Fields } from "./client.ts";
import { KvRig } from "./rig.ts";

const page = readFileSync(new URL("../../../docs/grpc.md", import.meta.url), "utf8");

interface Example {
  readonly line: string;
  readonly request: Fields;
  readonly method: string;
  /** An answer as JSON, or status and code. */
  readonly said: string;
}

function examples(): readonly Example[] {
  const shown = page.matchAll(/^(grpcurl -plaintext -d '([^']*)' localhost:7500 (\S+))\n# (.*)$/gm);
  return Array.from(shown, ([, line, request, method, said]) => {
    return {
      line: line as string,
      request: JSON.parse(request as string) as Fields,
      method: method as string,
      said: said as string,
    };
  });
}

test("what the gRPC page shows is what happens", async () => {
  const shown = examples();
  assert.equal(shown.length, page.match(/^grpcurl /gm)?.length, "a grpcurl line without its answer");
  assert.ok(shown.length > 5);
  const rig = await KvRig.open();
  const client = jsonClient(rig.edge.address.port);
  try {
    for (const { line, request, method, said } of shown) {
      if (!said.startsWith("{")) {
        const { code, trailers } = await client.refused(method, request);
        assert.equal(`${status[code]} ${String(trailers.get("trefoil-code")[0])}`, said, line);
        continue;
      }
      const isScan = method.endsWith("/Scan");
      const answered = isScan ? await onlyMessage(client.stream(method, request)) : await client.call(method, request);
      assert.deepEqual(withoutDefaults(answered), JSON.parse(said), line);
    }
  } finally {
    client.close();
    await rig.close();
  }
});

test("the table of codes on the gRPC page is the code's", () => {
  const rows = Array.from(
    page.matchAll(/^\| `(\w+)` \| ([A-Z_]+) \| (no|yes|after a while) \|$/gm),
    ([, ...row]) => row,
  );
  const own = Object.entries(errorCodes).map(([code, { grpcStatus, httpStatus, retryable }]) => {
    return [code, status[grpcStatus], asksForPatience(httpStatus) ? "after a while" : retryable ? "yes" : "no"];
  });
  assert.deepEqual(rows, own);
});

test("the bounds on the gRPC page are the code's", () => {
  const bounds = new Map(
    Array.from(page.matchAll(/^\| ([^|`]+) \| ([^|]+) \| [^|]+ \|$/gm), ([, what, bound]) => [what, bound]),
  );
  const { scansMax, streamsMax, requestMilliseconds, silentMilliseconds, idleMilliseconds } = defaultLimits;
  assert.equal(bounds.get("scans at once"), String(scansMax));
  assert.equal(bounds.get("calls of one connection at once"), String(streamsMax));
  assert.equal(bounds.get("a request on its way"), `${requestMilliseconds / 1000} s`);
  assert.equal(bounds.get("an answer that is not taken"), `${silentMilliseconds / 1000} s`);
  assert.equal(bounds.get("a connection without calls"), `${idleMilliseconds / 60_000} minutes`);
});

async function onlyMessage(stream: AsyncIterable<unknown>): Promise<Fields> {
  const messages: unknown[] = [];
  for await (const message of stream) messages.push(message);
  assert.equal(messages.length, 1);
  return messages[0] as Fields;
}
