// `trefoil inspect folder` on the folders of a cluster that ran: each node's, and the one above them, as `trefoil dev` has it. What an
// open takes is sound; what it refuses is told in its words.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RealNodes } from "../../test/node/real-nodes.ts";

const program = fileURLToPath(new URL("./main.js", import.meta.url));

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly complaint: string;
}

function inspect(...parameters: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, "inspect", ...parameters], {
    encoding: "utf8",
  });
  return { code: status, out: stdout, complaint: stderr };
}

/** What is read as JSON is another thing then, and JSON all the same. */
function turnADigit(path: string): void {
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace('"format":1', '"format":0'));
}

describe("trefoil inspect folder on a node's", () => {
  let nodes: RealNodes;
  let copies = 0;

  const copyOf = (id: string): string => {
    const copy = join(nodes.folder, `copy-${++copies}`);
    cpSync(join(nodes.folder, id), copy, { recursive: true });
    return copy;
  };

  before(async () => {
    nodes = await RealNodes.make();
    await nodes.startAll();
    for (let at = 0; at < 20; at++) await nodes.put("n1", `key ${at}`, `value ${at}`);
    for (const { node } of nodes.cores.values()) await node.leave(0);
    for (const id of ["n1", "n2", "n3"]) await nodes.stop(id);
  });
  after(() => nodes.end());

  it("is sound after an orderly stop, of each by itself and of all at once", () => {
    const one = inspect("folder", join(nodes.folder, "n3"));
    assert.deepEqual([one.code, one.complaint], [0, ""], one.out);
    assert.match(
      one.out,
      /^n3 +node +node n3, folder \w+, life \d+, founding complete, replicas of groups 0, 1, 2, 3, 4$/m,
    );
    assert.match(one.out, /^n3 +map +cluster \w+, epoch \d+, 3 nodes$/m);
    assert.match(one.out, /\nn3 +sound +an open would succeed; read: \d+ tables? /);
    assert.match(one.out, /^n3 +manifest +\S+\n[^]*^n3 +state +sequence /m);
    assert.doesNotMatch(one.out, /stray|unmarked|damage|refused|^ |in use/m);
    const all = inspect("folder", nodes.folder, "--quick");
    assert.deepEqual([all.code, all.complaint], [0, ""], all.out);
    for (const id of ["n1", "n2", "n3"]) assert.match(all.out, new RegExp(`^${id} +node +node ${id},`, "m"));
    assert.match(all.out, /^n2\/log +segment /m);
    assert.equal(all.out.match(/sound so far/g)?.length, 1);
    assert.match(all.out, new RegExp(`\n${basename(nodes.folder)} +sound so far +an open would succeed; `));
  });

  it("would be opened once the process has ended that has it open, and says which", () => {
    const copy = copyOf("n2");
    const lock = join(copy, `.lock-${process.pid}-0`);
    writeFileSync(lock, "");
    const { code, out } = inspect("folder", copy);
    assert.match(out, new RegExp(`^copy-\\d+ +in use +process ${process.pid} may have it open`));
    assert.match(out, new RegExp(`\ncopy-\\d+ +sound +an open would succeed once process ${process.pid} has ended; `));
    assert.equal(code, 0);
    rmSync(join(copy, "log"), { recursive: true });
    const refused = inspect("folder", copy);
    assert.match(
      refused.out,
      /\ncopy-\d+ +refused +an open says: [^]*\ncopy-\d+ +not sound +an open would be refused; /,
    );
    assert.equal(refused.code, 1);
  });

  it("tells of a node that runs in the folder of all", () => {
    const lock = join(nodes.folder, "n3", `.lock-${process.pid}-0`);
    writeFileSync(lock, "");
    const { out } = inspect("folder", nodes.folder, "--quick");
    rmSync(lock);
    assert.match(out, new RegExp(`^${basename(nodes.folder)} +in use +process ${process.pid} may have it open`));
    assert.match(out, new RegExp(`sound so far +an open would succeed once process ${process.pid} has ended; `));
  });

  it("leads from the folder of all to the parts of one", () => {
    const { folder } = nodes;
    assert.match(inspect("log", folder).complaint, /a folder of nodes\. Try: trefoil inspect log \S+\/n1\/log$/m);
    assert.match(inspect("manifest", join(folder, "n2")).complaint, /Try: trefoil inspect manifest \S+\/n2\/engine$/m);
    assert.match(
      inspect("folder", join(folder, "n2", "trefoil-node")).complaint,
      /Try: trefoil inspect folder \S+\/n2$/m,
    );
  });

  it("says of a damaged one what an open says of it", async () => {
    const harms: readonly (readonly [harm: (copy: string) => void, told: RegExp])[] = [
      [() => undefined, /an open would succeed/],
      [(copy) => writeFileSync(join(copy, "notes.txt"), "mine"), /stray +notes\.txt\n[^]*an open would succeed/],
      [(copy) => rmSync(join(copy, "map")), /refused +an open says: .*map is gone, and replicas have stored something/],
      [(copy) => turnADigit(join(copy, "map")), /damage +.*map is damaged: its last line is not the checksum/],
      [(copy) => turnADigit(join(copy, "trefoil-node")), /damage +.*trefoil-node is damaged/],
      [(copy) => rmSync(join(copy, "trefoil-node")), /no file "trefoil-node"/],
      [(copy) => writeFileSync(join(copy, "trefoil-node"), "{"), /damage/],
      [(copy) => writeFileSync(join(copy, "map"), "{}"), /damage/],
      [(copy) => rmSync(join(copy, "log"), { recursive: true }), /refused +an open says: .*log is gone, or empty/],
      [
        (copy) => rmSync(join(copy, "engine"), { recursive: true }),
        /refused +an open says: .*engine is gone, or empty/,
      ],
      [(copy) => rmSync(join(copy, "engine", "current")), /engine is gone, or empty/],
      [(copy) => writeFileSync(join(copy, "log", "stranger"), "x"), /log\/stranger is no file of a log/],
    ];
    for (const [harm, told] of harms) {
      const copy = copyOf("n1");
      harm(copy);
      const { code, out } = inspect("folder", copy);
      assert.match(out, told);
      const refusal = await nodes.start("n1", { folder: copy }).then(
        () => undefined,
        (failure: Error) => failure,
      );
      await nodes.stop("n1");
      assert.equal(code, refusal === undefined ? 0 : 1, `${String(refusal)}\n${out}`);
      if (refusal !== undefined) assert.ok(out.includes(refusal.message), `${refusal.message}\n${out}`);
    }
  });
});
