import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HttpRig } from "../../test/http/rig.ts";
import type { Told } from "../../test/http/rig.ts";

let rig: HttpRig;
before(async () => {
  rig = await HttpRig.open({ valueBytesMax: 4096 });
});
after(async () => {
  await rig.close();
  assert.deepEqual(rig.unexpected, []);
});

const recordType = "application/vnd.trefoil+json";

function problem(told: Told): { readonly code: string; readonly detail: string } {
  assert.equal(told.headers["content-type"], "application/problem+json");
  return JSON.parse(told.text) as { readonly code: string; readonly detail: string };
}

async function refuses(told: Promise<Told>, status: number, code: string, words = ""): Promise<void> {
  const given = await told;
  const { code: found, detail } = problem(given);
  assert.deepEqual([given.status, found], [status, code], detail);
  assert.ok(detail.includes(words), detail);
}

describe("a key", () => {
  test("is put, read, asked for by HEAD and deleted, and each answer tells what it got", async () => {
    const put = await rig.ask("PUT", "/a/b?ttl=60&consistency=fast", {
      body: "world",
      headers: { "Content-Type": `text/x; a="1,2"` },
    });
    assert.equal(put.status, 200);
    const version = (JSON.parse(put.text) as { version: string }).version;
    assert.deepEqual(JSON.parse(put.text), { version, receipt: `3.${version}` });
    assert.equal(put.headers["etag"], `"${version}"`);
    assert.equal(put.headers["trefoil-consistency"], "fast");
    assert.equal(put.headers["trefoil-acks"], "1/3");
    assert.equal(put.headers["trefoil-durability"], "synced");
    assert.equal(put.headers["trefoil-receipt"], `3.${version}`);
    assert.equal(put.headers["trefoil-node"], "n1");
    assert.equal(put.headers["trefoil-group"], "3");
    assert.equal(put.headers["trefoil-role"], "leader");
    const expiry = new Date(rig.coordinator.wallMilliseconds + 60_000).toISOString();
    assert.equal(put.headers["trefoil-expires-at"], expiry);

    const got = await rig.ask("GET", "/a/b");
    assert.deepEqual([got.status, got.text, got.headers["content-type"]], [200, "world", `text/x; a="1,2"`]);
    assert.equal(got.headers["etag"], `"${version}"`);
    assert.equal(got.headers["trefoil-expires-at"], expiry);
    assert.equal(got.headers["trefoil-staleness-ms"], "13");
    const head = await rig.ask("HEAD", "/a/b?consistency=strong");
    assert.deepEqual([head.status, head.text, head.headers["content-length"]], [200, "", "5"]);
    assert.equal(head.headers["trefoil-consistency"], "strong");
    assert.equal(head.headers["trefoil-staleness-ms"], undefined);

    const gone = await rig.ask("DELETE", "/a/b");
    assert.deepEqual([gone.status, gone.text, gone.headers["trefoil-acks"]], [204, "", "2/3"]);
    await refuses(rig.ask("GET", "/a/b"), 404, "not_found");
    assert.equal((await rig.ask("DELETE", "/a/b")).status, 204);
    assert.deepEqual((await rig.ask("HEAD", "/a/b")).text, "");
  });

  test("says that nobody knows how stale a read is", async () => {
    rig.coordinator.staleness = undefined;
    assert.equal((await rig.ask("GET", "/nothing")).headers["trefoil-staleness-ms"], "unknown");
    rig.coordinator.staleness = 12.5;
  });

  test("is read the same when the coordinator has to wait for it", async () => {
    await rig.ask("PUT", "/waited", { body: "for" });
    rig.coordinator.answersNow = false;
    assert.equal((await rig.ask("GET", "/waited?timeout=7s")).text, "for");
    rig.coordinator.answersNow = true;
    const left = (rig.coordinator.lastCaller?.deadline ?? 0) - rig.coordinator.now();
    assert.ok(left > 0 && left <= 7000, `${left} ms are left of 7000`);
  });

  test("expires", async () => {
    await rig.ask("PUT", "/short?ttl=500ms", { body: "x" });
    assert.equal((await rig.ask("PUT", "/short?ttl=keep", { body: "y" })).headers["trefoil-consistency"], "strong");
    assert.equal((await rig.ask("GET", "/short")).text, "y");
    rig.coordinator.wallMilliseconds += 500;
    assert.equal((await rig.ask("GET", "/short")).status, 404);
  });

  test("is the bytes behind the first slash, however they are written", async () => {
    await rig.ask("PUT", "/%E4%B8%96%2Fx/%2e.y//", { body: "1" });
    assert.equal((await rig.ask("GET", "/-/kv/%e4%b8%96/x%2F..y//")).text, "1");
    const inBase64 = Buffer.from("世/x/..y//").toString("base64url");
    assert.equal((await rig.ask("GET", `/-/kv64/${inBase64}`)).text, "1");
    await rig.ask("PUT", "/-/kv/-/keys", { body: "2" });
    assert.equal((await rig.ask("GET", "/-/kv64/LS9rZXlz")).text, "2");
    await rig.ask("PUT", "/%00%ff+%0d%0ax", { body: "3" });
    assert.equal(
      (await rig.ask("GET", `/-/kv64/${Buffer.from("\0\xff+\r\nx", "latin1").toString("base64url")}`)).text,
      "3",
    );
    assert.match(await rig.say("GET http://somewhere/%00%ff+%0d%0ax HTTP/1.0\r\n\r\n"), /\r\n\r\n3$/);
  });

  test("may have the name of anything that objects have", async () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      assert.equal((await rig.ask("GET", `/${name}`)).status, 404);
      await rig.ask("PUT", `/${name}`, { body: name });
      assert.equal((await rig.ask("GET", `/${name}`)).text, name);
    }
  });

  test("has 1024 bytes at most, percent-coded or not", async () => {
    assert.equal((await rig.ask("PUT", `/${"%41".repeat(1024)}`, { body: "" })).status, 200);
    await refuses(rig.ask("PUT", `/${"a".repeat(1025)}`, { body: "" }), 400, "bad_key", "1025");
    await refuses(rig.ask("GET", `/-/kv64/${"a".repeat(1368)}`), 400, "bad_key", "1026");
    await refuses(rig.ask("GET", `/${"%41".repeat(1025)}`), 400, "bad_key", "1 to 1024");
  });
});

describe("conditions", () => {
  test("of writes hold or not", async () => {
    const made = await rig.ask("PUT", "/c", { body: "1", headers: { "If-None-Match": "*" } });
    assert.equal(made.status, 201);
    const etag = made.headers["etag"] as string;
    const again = await rig.ask("PUT", "/c", { body: "2", headers: { "If-None-Match": "*" } });
    assert.equal(again.status, 412);
    const told = ["etag", "trefoil-consistency", "trefoil-role", "trefoil-node", "trefoil-group"];
    assert.deepEqual(
      told.map((name) => again.headers[name]),
      [etag, "strong", "leader", "n1", "3"],
    );
    const swapped = await rig.ask("PUT", "/c", { body: "3", headers: { "If-Match": etag } });
    assert.equal(swapped.status, 200);
    await refuses(
      rig.ask("DELETE", "/c", { headers: { "If-Match": etag } }),
      412,
      "precondition_failed",
      "there is 7.",
    );
    assert.equal((await rig.ask("DELETE", "/c", { headers: { "If-Match": "*" } })).status, 204);
    const absent = await rig.ask("PUT", "/c", { body: "4", headers: { "If-Match": "*" } });
    assert.deepEqual([absent.status, absent.headers["etag"]], [412, undefined]);
    assert.equal((await rig.ask("GET", "/c")).status, 404);
  });

  test("of writes that nobody can mean are refused", async () => {
    const wrong = [
      { "If-Match": "7.1" },
      { "If-Match": `"7.1", "7.2"` },
      { "If-Match": `W/"7.1"` },
      { "If-Match": `"99999999999999999.1"` },
      { "If-Match": `"07.1"` },
      { "If-None-Match": `"7.1"` },
      { "If-None-Match": "*", "If-Match": "*" },
    ];
    for (const headers of wrong) await refuses(rig.ask("PUT", "/w", { body: "1", headers }), 400, "bad_request");
    assert.equal((await rig.ask("GET", "/w")).status, 404);
  });

  test("of a DELETE never ask for a key that is not there", async () => {
    const headers = { "If-None-Match": "*" };
    await refuses(rig.ask("DELETE", "/d", { headers }), 400, "bad_request", "a DELETE creates nothing");
    await rig.ask("PUT", "/d", { body: "1" });
    await refuses(rig.ask("DELETE", "/d", { headers }), 400, "bad_request", "a DELETE creates nothing");
    assert.equal((await rig.ask("GET", "/d")).text, "1");
  });

  test("are strong, and never fast", async () => {
    const headers = { "If-None-Match": "*" };
    rig.coordinator.defaultWrite = "fast";
    assert.equal((await rig.ask("PUT", "/s", { body: "1", headers })).headers["trefoil-consistency"], "strong");
    assert.equal((await rig.ask("PUT", "/s", { body: "1" })).headers["trefoil-consistency"], "fast");
    rig.coordinator.defaultWrite = "strong";
    await refuses(rig.ask("PUT", "/s?consistency=fast", { body: "2", headers }), 400, "bad_consistency");
    await refuses(rig.ask("PUT", "/s?consistency=fast&ttl=keep", { body: "2" }), 400, "bad_consistency");
    await refuses(rig.ask("DELETE", "/s?consistency=fast", { headers: { "If-Match": "*" } }), 400, "bad_consistency");
    assert.equal((await rig.ask("GET", "/s")).text, "1");
  });

  test("of reads give 304 for what is known, and 412 for what is not there", async () => {
    const etag = (await rig.ask("PUT", "/r", { body: "1" })).headers["etag"] as string;
    for (const known of [etag, `"1.1", W/${etag}`, "*"]) {
      const told = await rig.ask("GET", "/r", { headers: { "If-None-Match": known } });
      assert.deepEqual([told.status, told.text, told.headers["etag"]], [304, "", etag]);
    }
    assert.equal((await rig.ask("GET", "/r", { headers: { "If-None-Match": `"1.1"` } })).status, 200);
    assert.equal((await rig.ask("GET", "/r", { headers: { "If-Match": etag } })).status, 200);
    await refuses(rig.ask("GET", "/r", { headers: { "If-Match": `W/${etag}` } }), 412, "precondition_failed", "7.");
    await refuses(rig.ask("GET", "/absent", { headers: { "If-Match": "*" } }), 412, "precondition_failed", "nothing");
    assert.equal((await rig.ask("GET", "/absent", { headers: { "If-None-Match": "*" } })).status, 404);
  });
});

describe("an Idempotency-Key", () => {
  test("gives a retry the first answer", async () => {
    const headers = { "Idempotency-Key": "once" };
    const first = await rig.ask("PUT", "/i", { body: "1", headers });
    await rig.ask("PUT", "/i", { body: "2" });
    const again = await rig.ask("PUT", "/i", { body: "1", headers });
    assert.equal(again.text, first.text);
    assert.equal((await rig.ask("GET", "/i")).text, "2");
  });

  test("has 1 to 64 printable characters", async () => {
    for (const id of ["", "a b", "x".repeat(65), "\xe9"]) {
      const told = rig.ask("PUT", "/j", { body: "1", headers: { "Idempotency-Key": id } });
      await refuses(told, 400, "bad_request", "Idempotency-Key");
    }
    assert.equal(
      (await rig.ask("PUT", "/j", { body: "1", headers: { "Idempotency-Key": "x".repeat(64) } })).status,
      200,
    );
  });
});

describe("a range", () => {
  test("is one part of the value", async () => {
    const etag = (await rig.ask("PUT", "/p", { body: "0123456789" })).headers["etag"] as string;
    const parts = [
      ["bytes=2-4", "234", "bytes 2-4/10"],
      ["bytes=7-", "789", "bytes 7-9/10"],
      ["bytes=-2", "89", "bytes 8-9/10"],
      ["bytes=-20", "0123456789", "bytes 0-9/10"],
      ["bytes=9-99", "9", "bytes 9-9/10"],
    ] as const;
    for (const [range, part, words] of parts) {
      const told = await rig.ask("GET", "/p", { headers: { Range: range, "If-Range": etag } });
      assert.deepEqual([told.status, told.text, told.headers["content-range"]], [206, part, words]);
    }
    for (const range of ["bytes=10-", "bytes=-0", "bytes=4-2", "bytes=-", "bytes=0-1,3-4", "bytes=x"]) {
      const told = await rig.ask("GET", "/p", { headers: { Range: range } });
      assert.deepEqual(
        [told.status, problem(told).code, told.headers["content-range"]],
        [416, "bad_range", "bytes */10"],
      );
    }
    const whole = [{ Range: "lines=1-2" }, { Range: "bytes=2-4", "If-Range": `"1.1"` }];
    for (const headers of whole) assert.equal((await rig.ask("GET", "/p", { headers })).status, 200);
    assert.equal((await rig.ask("HEAD", "/p", { headers: { Range: "bytes=2-4" } })).headers["content-length"], "10");
  });
});

describe("what is stored", () => {
  const curl = { "Content-Type": "application/x-www-form-urlencoded" };

  async function stored(
    body: string | Uint8Array,
    type: string,
    query = "",
  ): Promise<readonly [string, string | undefined]> {
    const put = await rig.ask("PUT", `/e${query}`, { body, headers: type === "" ? {} : { "Content-Type": type } });
    assert.equal(put.status, 200, put.text);
    const got = await rig.ask("GET", "/e");
    return [got.text, got.headers["content-type"]];
  }

  test("is the body and its content type, of whatever type", async () => {
    assert.deepEqual(await stored(`{"value": 1}`, "application/json"), [`{"value": 1}`, "application/json"]);
    assert.deepEqual(await stored("x", "text/html; charset=utf-8"), ["x", "text/html; charset=utf-8"]);
    assert.deepEqual(await stored("x", ""), ["x", "application/octet-stream"]);
    assert.deepEqual(await stored("a=1", curl["Content-Type"]), ["a=1", "application/octet-stream"]);
    assert.deepEqual(await stored(`{"value": 1}`, recordType, "?raw=1"), [`{"value": 1}`, recordType]);
    assert.deepEqual(await stored(`{"value": 1}`, curl["Content-Type"], "?raw=1"), [
      `{"value": 1}`,
      "application/octet-stream",
    ]);
    const bytes = new Uint8Array([0, 255, 128, 10]);
    await stored(bytes, "");
    assert.deepEqual((await rig.ask("GET", "/e")).bytes, bytes);
  });

  test("is the value of an envelope: texts as text, the rest as it was written", async () => {
    const text = "text/plain; charset=utf-8";
    const json = "application/json";
    const cases = [
      [`{"value": "Saurab", "ttl": 3600}`, "Saurab", text],
      [`{"value": "a\\"}\\u00e9\\n"}`, `a"}é\n`, text],
      [`{"value": 12345678901234567890.10}`, "12345678901234567890.10", json],
      [` { "ttl" : 5 , "value" : { "a" : [ 1 , "}" ] } } `, `{ "a" : [ 1 , "}" ] }`, json],
      [`{"value":[[],{}]}`, "[[],{}]", json],
      [`{"value":null}`, "null", json],
      [`{"\\u0076alue":true}`, "true", json],
      [`{"value":{"__proto__":{"value":1}}}`, `{"__proto__":{"value":1}}`, json],
      [`{"value":""}`, "", text],
    ] as const;
    for (const [body, value, type] of cases) {
      assert.deepEqual(await stored(body, curl["Content-Type"]), [value, type], body);
      assert.deepEqual(await stored(body, recordType), [value, type], body);
    }
    const put = await rig.ask("PUT", "/e", { body: `{"value": "x", "ttl": 3600}`, headers: curl });
    assert.equal(put.headers["trefoil-envelope"], "unwrapped");
    assert.equal(
      put.headers["trefoil-expires-at"],
      new Date(rig.coordinator.wallMilliseconds + 3_600_000).toISOString(),
    );
  });

  test("is the body as it is where it is no envelope, unless it was called one", async () => {
    const bodies = [
      `{"value":1,"other":2}`,
      `{"value":1,"__proto__":2}`,
      `{"__proto__":{"value":1}}`,
      `{"ttl":5}`,
      `[{"value":1}]`,
      `"value"`,
      `{"value":1`,
      `{"value":1}x`,
      ``,
      `\u{feff}{"value":1}`,
    ];
    for (const body of bodies) {
      assert.deepEqual(await stored(body, curl["Content-Type"]), [body, "application/octet-stream"]);
      await refuses(
        rig.ask("PUT", "/n", { body, headers: { "Content-Type": recordType } }),
        400,
        "bad_request",
        "raw=1",
      );
    }
    const misspelt = await rig.ask("PUT", "/e", { body: `{"value":1,"tll":2}`, headers: curl });
    assert.equal(
      (JSON.parse(misspelt.text) as { readonly note?: unknown }).note,
      `stored as it is: it has the member "tll", and an envelope has none but "value" and "ttl"`,
    );
    for (const [body, why] of [
      [`{"value": "x" "ttl": 3}`, 'it is no JSON: at line 1, column 15, there should be a comma or }, not "'],
      [`{value: x}`, "it is no JSON: at line 1, column 2, there should be a name in double quotes or }, not v"],
    ] as const) {
      const broken = await rig.ask("PUT", "/e", { body, headers: curl });
      assert.equal((JSON.parse(broken.text) as { readonly note?: unknown }).note, `stored as it is: ${why}`);
      await refuses(rig.ask("PUT", "/n", { body, headers: { "Content-Type": recordType } }), 400, "bad_request", why);
    }
    const plain = await rig.ask("PUT", "/e", { body: `{"ttl":5}`, headers: curl });
    assert.deepEqual(Object.keys(JSON.parse(plain.text) as object), ["version", "receipt"]);
    const notUtf8 = Buffer.from(`{"value":"\xff"}`, "latin1");
    await refuses(rig.ask("PUT", "/n", { body: notUtf8, headers: { "Content-Type": recordType } }), 400, "bad_request");
    assert.equal((await rig.ask("GET", "/n")).status, 404);
  });

  test("is nothing of an envelope that cannot be meant", async () => {
    const wrong = [
      [`{"value":1,"ttl":0}`, "bad_ttl", ""],
      [`{"value":1,"ttl":-1}`, "bad_ttl", ""],
      [`{"value":1,"ttl":1.5}`, "bad_ttl", ""],
      [`{"value":1,"ttl":null}`, "bad_ttl", ""],
      [`{"value":1,"ttl":1e300}`, "bad_ttl", ""],
      [`{"value":1,"ttl":[5]}`, "bad_ttl", ""],
      [`{"value":1,"ttl":"soon"}`, "bad_ttl", ""],
      [`{"value":1,"ttl":5}`, "bad_ttl", "?ttl=5"],
      [`{"value":1,"ttl":"keep"}`, "bad_consistency", "?consistency=fast"],
      [`{"value":1,"value":2}`, "bad_request", ""],
      [`{"value":1,"ttl":5,"\\u0074tl":6}`, "bad_request", ""],
      [`{"value":"\\ud800"}`, "bad_request", ""],
    ] as const;
    for (const [body, code, query] of wrong) {
      await refuses(rig.ask("PUT", `/n${query}`, { body, headers: curl }), 400, code);
    }
    assert.equal((await rig.ask("GET", "/n")).status, 404);
  });

  test("comes as a record for whoever asks so, and can be put again", async () => {
    const cases = [
      [`{"value":"Saurab"}`, `"value":"Saurab"`],
      [`{"value":{"n":1.10}}`, `"value":{"n":1.10}`],
    ] as const;
    for (const [body, member] of cases) {
      await rig.ask("PUT", "/r1?ttl=60", { body, headers: curl });
      const told = await rig.ask("GET", "/r1", { headers: { Accept: `text/x, ${recordType};q=0.5` } });
      assert.equal(told.headers["content-type"], recordType);
      assert.equal(told.headers["vary"], "Accept");
      assert.ok(told.text.includes(member), told.text);
      const record = JSON.parse(told.text) as Record<string, unknown>;
      assert.deepEqual(Object.keys(record).toSorted(), ["contentType", "expiresAt", "key", "value", "version"]);
      assert.equal(record["expiresAt"], told.headers["trefoil-expires-at"]);
      assert.equal(`"${record["version"] as string}"`, told.headers["etag"]);
    }
    await rig.ask("PUT", "/%ff", { body: new Uint8Array([255]), headers: { "Content-Type": "application/json" } });
    const told = await rig.ask("GET", "/%ff", { headers: { Accept: recordType } });
    const { key64, value64 } = JSON.parse(told.text) as Record<string, unknown>;
    assert.deepEqual([key64, value64], ["_w", "_w"]);
    const without = await rig.ask("GET", "/%ff", { headers: { Accept: `${recordType};q=0, */*` } });
    assert.deepEqual(without.bytes, new Uint8Array([255]));
  });

  test("stands in a record as nothing else could, whether or not it is the JSON that it is said to be", async () => {
    const bodies = [`abc`, `"abc"`, ` "abc"`, `"\\u0061bc"`, "YWJj", `"YWJj"`, "", "null", "5", `"5"`];
    const members: string[] = [];
    for (const body of bodies) {
      await rig.ask("PUT", "/j", { body, headers: { "Content-Type": "application/json" } });
      const { text } = await rig.ask("GET", "/j", { headers: { Accept: recordType } });
      const { value, value64 } = JSON.parse(text) as Record<string, unknown>;
      const told =
        value64 === undefined ? JSON.stringify(value) : Buffer.from(value64 as string, "base64url").toString();
      if (value64 === undefined) assert.deepEqual(JSON.parse(body), value);
      else assert.equal(told, body);
      members.push(text.slice(0, text.indexOf(`,"version"`)));
    }
    assert.equal(new Set(members).size, bodies.length, members.join("\n"));
    assert.ok(members[0]?.endsWith(`"value64":"YWJj"`) && members[1]?.endsWith(`"value":"abc"`), members.join("\n"));
  });

  test("is answered without a body under Prefer: return=minimal", async () => {
    const told = await rig.ask("PUT", "/m", { body: "1", headers: { Prefer: "respond-async, return=minimal" } });
    assert.deepEqual([told.status, told.text, told.headers["preference-applied"]], [204, "", "return=minimal"]);
    assert.equal(told.headers["content-length"], undefined);
    assert.equal((await rig.ask("GET", "/m")).text, "1");
  });

  test("does not run in the pages of the node", async () => {
    for (const type of ["text/html", "image/svg+xml", "application/xhtml+xml; x=y"]) {
      await stored("<script>", type);
      assert.equal((await rig.ask("GET", "/e")).headers["content-security-policy"], "sandbox");
    }
    await stored("x", "text/plain");
    assert.equal((await rig.ask("GET", "/e")).headers["content-security-policy"], undefined);
  });

  test("goes out under a harmless type when another protocol stored one that is no header", async () => {
    rig.coordinator.place(new TextEncoder().encode("odd"), new Uint8Array([1]), "x\r\nSet-Cookie: a=b");
    const told = await rig.ask("GET", "/odd");
    assert.deepEqual(
      [told.headers["content-type"], told.headers["set-cookie"]],
      ["application/octet-stream", undefined],
    );
  });
});
