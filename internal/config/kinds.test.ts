// Single values: what is written comes back, what is no value is refused with words, and the words name no more than a line.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { bindAddress, dialAddress, dialList, host, isLoopback, isWildcard, peerList, port } from "./addresses.ts";
import { bytes, count, duration, folder, fsync, name, toggle, word } from "./kinds.ts";
import { schemas } from "./schema.ts";
import type { Kind } from "./setting.ts";

const time = duration("0ms", "7d");
const size = bytes("1B", "1TiB");

function valueOf<Value>(kind: Kind<Value>, text: string): Value {
  const parsed = kind.parse(text);
  assert.ok("value" in parsed, `${text}: ${"fault" in parsed ? parsed.fault : ""}`);
  return parsed.value;
}

function faultOf(kind: Kind<unknown>, text: string): string {
  const parsed = kind.parse(text);
  assert.ok("fault" in parsed, `${JSON.stringify(text)} passed as a value`);
  return parsed.fault;
}

describe("single values", () => {
  for (const [kind, text, value] of [
    [time, "50ms", 50],
    [time, "1h", 3_600_000],
    [time, "7D", 604_800_000],
    [time, "0ms", 0],
    [size, "16MiB", 16 * 2 ** 20],
    [size, "16mib", 16 * 2 ** 20],
    [size, "4096", 4096],
    [count(1, 9), "9", 9],
    [word("fast", "strong"), "fast", "fast"],
    [toggle, "false", false],
    [folder, "./a b", "./a b"],
    [name, "n1.a-b_c", "n1.a-b_c"],
    [port, "65535", 65_535],
    [host, "[::1]", "::1"],
  ] as readonly (readonly [Kind<unknown>, string, unknown])[]) {
    test(`${text} is ${JSON.stringify(value)}`, () => assert.deepEqual(valueOf(kind, text), value));
  }

  test("an interval of syncs", () => {
    assert.deepEqual(valueOf(fsync, "interval:10"), { kind: "interval", milliseconds: 10 });
    assert.deepEqual(valueOf(fsync, "interval:10ms"), { kind: "interval", milliseconds: 10 });
    assert.deepEqual(valueOf(fsync, "always"), { kind: "always" });
  });

  test("addresses, and lists of them", () => {
    assert.deepEqual(valueOf(bindAddress, "127.0.0.1:0"), { host: "127.0.0.1", port: 0 });
    assert.deepEqual(valueOf(bindAddress, "[::]:8080"), { host: "::", port: 8080 });
    assert.deepEqual(valueOf(dialList, "a:1, b.example:2"), [
      { host: "a", port: 1 },
      { host: "b.example", port: 2 },
    ]);
    assert.deepEqual(valueOf(peerList, "n1=[fe80::1%eth0]:7400"), [
      { id: "n1", address: { host: "fe80::1%eth0", port: 7400 } },
    ]);
  });

  for (const [kind, text, words] of [
    [time, "50", /no duration; write a number and its unit/],
    [time, "-1s", /no duration/],
    [time, "1.5s", /no duration/],
    [time, "8d", /8d is not from 0ms to 7d/],
    [time, "99999999999999d", /is not from/],
    [size, "16MB", /no size; .* 64MiB/],
    [size, "0", /0B is not from 1B to 1TiB/],
    [count(1, 9), "10", /10 is not from 1 to 9/],
    [count(1, 9), "1e1", /no whole number/],
    [count(1, 9), "", /no whole number/],
    [word("fast", "strong"), "Fast", /none of fast, strong/],
    [toggle, "yes", /neither true nor false/],
    [name, "a/b", /is no name/],
    [name, `a${"b".repeat(63)}`, /63 at most/],
    [folder, "", /is no path/],
    [folder, "a\0b", /is no path/],
    [fsync, "never", /neither always nor interval/],
    [fsync, "interval:0", /not from 1 to 60000/],
    [fsync, "interval:60001", /not from 1 to 60000/],
    [bindAddress, "8080", /lacks a host; write 127\.0\.0\.1:8080/],
    [bindAddress, ":8080", /lacks a host; write 127\.0\.0\.1:8080/],
    [bindAddress, "localhost", /lacks a port; write localhost:<port>/],
    [bindAddress, "::1", /lacks a port; write \[::1\]:<port>/],
    [bindAddress, "a:65536", /port from 0 to 65535/],
    [bindAddress, "a b:1", /is no host:port/],
    [bindAddress, "[::1:1", /is no host:port/],
    [dialAddress, "a:0", /port from 1 to 65535/],
    [host, "a:80", /has a port; write the host alone, a/],
    [host, "", /no host name/],
    [host, "a..b", /no host name/],
    [port, "0", /is no port/],
    [dialList, "a:1,,b", /lacks a port|no host:port/],
    [peerList, "n1", /no <id>=<host>:<port>/],
    [peerList, "n1=a:1,n2=b", /"b" lacks a port/],
  ] as readonly (readonly [Kind<unknown>, string, RegExp])[]) {
    test(`${JSON.stringify(text.slice(0, 20))} of ${kind.placeholder || "a switch"}: ${words.source}`, () =>
      assert.match(faultOf(kind, text), words));
  }

  test("what was written is shown bounded, and without anything that a terminal obeys", () => {
    const fault = faultOf(time, `\u001b[2J\u009b\u202e${"x".repeat(10_000)}\n`);
    assert.ok(fault.length < 250, `${fault.length} characters`);
    assert.doesNotMatch(fault, /[\p{C}\p{Zl}\p{Zp}]/u);
  });

  test("the addresses that only this machine reaches, and those that nobody dials", () => {
    for (const text of ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST"]) assert.ok(isLoopback(text), text);
    for (const text of ["0.0.0.0", "::", "127.0.0.1.example", "localhost.example", "10.0.0.1", "::ffff:127.0.0.1"]) {
      assert.ok(!isLoopback(text), text);
    }
    for (const text of ["0.0.0.0", "::", "0", "0:0:0:0:0:0:0:0"]) assert.ok(isWildcard(text), text);
    for (const text of ["10.0.0.0", "::1", "0.0.0.1"]) assert.ok(!isWildcard(text), text);
  });

  test("measures come back as they were printed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 604_800_000 }), (value) => {
        assert.equal(valueOf(time, time.print(value)), value);
        assert.equal(valueOf(size, size.print(value + 1)), value + 1);
      }),
      { seed: 20_261_121 },
    );
  });

  test("no text makes a kind of any schema throw, and what passes is printed as the same value", () => {
    const kinds = Object.values(schemas).flatMap((schema) =>
      Object.values(schema).map((one) => one.kind as Kind<unknown>),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.oneof(fc.string(), fc.stringMatching(/^[\w=.:,[\]-]{0,40}$/)),
        (kind, text) => {
          const parsed = kind.parse(text);
          if ("fault" in parsed) assert.ok(parsed.fault.length > 0);
          else assert.deepEqual(kind.parse(kind.print(parsed.value)), parsed);
        },
      ),
      { seed: 20_261_121, numRuns: 2000 },
    );
  });
});
