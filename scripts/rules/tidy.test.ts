import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkDocuments } from "./documents.ts";
import { describeFinding, type SourceFile } from "./finding.ts";
import { checkSizes } from "./sizes.ts";
import { readSourceFiles } from "./source-files.ts";
import { checkTestModifiers } from "./test-modifiers.ts";
import { checkTidiness } from "./tidy.ts";
import { checkWords } from "./words.ts";

/** The samples would break the rules that they test, were their words not cut in two. */
const joined = (text: string): string => text.replaceAll("~", "");

const lines = (count: number): string => "a\n".repeat(count);

describe("the size of files", () => {
  it("is at most 400 lines, for tests 800, and without bound for test data", () => {
    assert.deepEqual(checkSizes({ path: "internal/log/a.ts", text: lines(400) }), []);
    assert.equal(checkSizes({ path: "internal/log/a.ts", text: lines(401) }).length, 1);
    assert.deepEqual(checkSizes({ path: "internal/log/a.test.ts", text: lines(800) }), []);
    assert.equal(checkSizes({ path: "internal/log/a.test.ts", text: lines(801) }).length, 1);
    assert.deepEqual(checkSizes({ path: "test/log/testdata/a.ts", text: lines(5000) }), []);
    assert.deepEqual(checkSizes({ path: "docs/a.md", text: lines(5000) }), []);
  });
});

describe("words that must not appear", () => {
  const found = (text: string, path = "internal/log/a.ts"): string[] =>
    checkWords({ path, text: joined(text) }).map(describeFinding);

  it("are reported with their line and the reason", () => {
    assert.deepEqual(found("one\n// TO~DO: two\n"), [
      joined("internal/log/a.ts:2: TO~DO: do it, or say in docs/ what is missing"),
    ]);
  });

  it("are marks, silenced types, silenced rules without a reason, private paths and numbers of issues", () => {
    const bad = [
      "// FIX~ME",
      "// @ts-~ignore",
      "// es~lint-disable-next-line no-var",
      "// ox~lint-disable-next-line no-var",
      "see /ho~me/somebody/notes",
      "fixes iss~ue #12",
    ];
    for (const text of bad) assert.equal(found(text).length, 1, text);
  });

  it("leave alone what only looks like them", () => {
    const good = [
      "a mastodon, a fixmeup, XXXL",
      "// ox~lint-disable-next-line no-var -- the runtime asks for it",
      "a homework/rooting/workload path, ./work/x, https://host.example/home/x",
    ];
    for (const text of good) assert.deepEqual(found(text), [], text);
  });

  it("are addresses of registries, in the lock file too", () => {
    const address = '"resol~ved": "https://regis~try.example.org/a.tgz"';
    assert.equal(found(address, "package-lock.json").length, 2);
    assert.deepEqual(found('"integrity": "sha512-+XX~X/=="', "package-lock.json"), []);
  });
});

describe("tests that leave tests out", () => {
  const found = (text: string): string[] =>
    checkTestModifiers({ path: "a.test.ts", text: `import { it } from "node:test";\n${text}` }).map(describeFinding);

  it("are reported, by method and by option", () => {
    const bad = [
      'it.skip("x", () => {});',
      'describe.only("x", () => {});',
      'test("x", (t) => { t.todo("later"); });',
      'it("x", { skip: process.platform !== "linux" }, () => {});',
      'test("x", { timeout: 5, only: true }, () => {});',
    ];
    for (const text of bad) assert.equal(found(text).length, 1, text);
    assert.match(found(bad[0] as string)[0] as string, /^a\.test\.ts:2: it\.skip/);
  });

  it("are not calls of other things with such names, nor strings", () => {
    const good = ["cursor.skip(3);", `const s = 'it.skip("x")';`, "take({ only: true });", 'it("x", { timeout: 5 });'];
    for (const text of good) assert.deepEqual(found(text), [], text);
  });
});

describe("documents", () => {
  const present = { test: "node --test", "bench:engine": "node bench.js" };

  function check(files: Record<string, string>, scripts: Record<string, string> = present): string[] {
    const sources: SourceFile[] = Object.entries(files).map(([path, text]) => ({ path, text }));
    return checkDocuments({ files: sources, scripts: new Map(Object.entries(scripts)) }).map(describeFinding);
  }

  it("have links that lead to a file, a folder or a heading", () => {
    const readme = "# A\n\n[b](docs/b.md) [c](docs/) [d](#a) [e](docs/b.md#log-on-disk) [f](https://example.org)\n";
    assert.deepEqual(check({ "README.md": readme, "docs/b.md": "## Log on disk\n" }), []);
    assert.deepEqual(check({ "README.md": "a\n[b](docs/c.md)", "docs/b.md": "" }), [
      "README.md:2: the link docs/c.md leads nowhere",
    ]);
    assert.equal(check({ "README.md": "[b](docs/b.md#other)", "docs/b.md": "## Log on disk\n" }).length, 1);
    assert.deepEqual(check({ "docs/b.md": "[up](../README.md)", "README.md": "" }), []);
  });

  it("may show links in code", () => {
    assert.deepEqual(check({ "README.md": "`[a](b.md)`\n\n```\n[a](b.md)\n```\n" }), []);
  });

  it("show only commands that exist", () => {
    assert.deepEqual(check({ "README.md": "`npm test`, then `npm run bench:engine -- --rows 3`." }), []);
    assert.deepEqual(check({ "docs/a.md": "\n    npm run bench:other\n" }), [
      "docs/a.md:2: package.json has no script bench:other",
    ]);
    const command = 'program.command("inspect <what> <path>");';
    assert.deepEqual(check({ "README.md": "npx trefoil inspect log x", "cmd/trefoil/main.ts": command }), []);
    assert.equal(check({ "README.md": "npx trefoil explode", "cmd/trefoil/main.ts": command }).length, 1);
  });

  it("name only paths that are there, when they are READMEs", () => {
    const files = { "internal/log/log.ts": "", "internal/log/README.md": "" };
    assert.deepEqual(check({ ...files, "README.md": "`internal/log`, `internal/log/log.ts`, `docs/*.md`" }), []);
    assert.deepEqual(check({ ...files, "README.md": "`internal/log/lag.ts`" }), [
      "README.md:1: there is no internal/log/lag.ts",
    ]);
  });

  it("are joined by scripts that start modules that exist", () => {
    const scripts = {
      test: "node scripts/bootstrap.mjs --expose-gc scripts/test",
      build: "node scripts/bootstrap.mjs",
    };
    assert.deepEqual(check({ "scripts/test.ts": "" }, scripts), []);
    assert.deepEqual(check({}, scripts), ["package.json: the script test starts scripts/test.ts, which is not there"]);
  });

  it("are there for each folder of a floor", () => {
    assert.deepEqual(check({ "internal/log/parts/a.ts": "" }), ["internal/log: has no README.md"]);
  });
});

describe("the project", () => {
  it("is tidy, and was read", () => {
    const files = readSourceFiles();
    assert.ok(files.length > 40, `only ${files.length} files were read`);
    assert.deepEqual(checkTidiness(files).map(describeFinding), []);
  });

  it("is not called tidy when nothing was read", () => {
    assert.equal(checkTidiness([]).length, 1);
  });
});
