// `npm start` once everything is built: what it shows, the README's lines, nodes that die, a second start on the same data, and its end.

import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import type { RunningProcess } from "../support/running-process.ts";
import { eventually } from "../daemon/node-processes.ts";
import { DevRun, isAlive, pidsIn } from "./dev-run.ts";

describe("a cluster for development", () => {
  let folder: string;
  let run: DevRun;
  let started: RunningProcess;
  let pids: readonly number[] = [];

  const put = async (node: number, key: string, value: string): Promise<number> => {
    const answer = await fetch(run.url(node, `/${key}?consistency=strong`), { method: "PUT", body: value });
    await answer.text();
    return answer.status;
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "trefoil-dev-"));
    run = await DevRun.make(join(folder, "data"));
  });
  after(async () => {
    await started.kill();
    await eventually(() => Promise.resolve(assert.deepEqual(pids.filter(isAlive), [])));
    await rm(folder, { recursive: true, force: true });
  });

  it("ends in order when it is told to before any of its nodes listens to signals", async () => {
    started = run.start();
    await started.says(/^Starting 3 nodes/m);
    started.signalGroup("SIGINT");
    assert.deepEqual(await started.ended, { code: 0, signal: null }, started.output);
    assert.match(started.output, / …\nStopping …\nStopped\.\n$/);
  });

  it("says what runs where, and answers the lines of the README as they stand", async () => {
    started = run.start();
    await started.says(/Ctrl-c stops it/);
    pids = pidsIn(started.output);
    assert.equal(pids.length, 3, started.output);
    assert.ok(pids.every(isAlive));
    const { port } = new URL(run.url(1, ""));
    assert.match(started.output, /Trefoil runs: 3 nodes, 4 groups/);
    assert.ok(started.output.includes(`curl -X PUT 'localhost:${port}/hello?ttl=60&consistency=strong' -d world\n`));
    assert.ok((await run.askReadme()) >= 5);
  });

  it("goes on without a node that was killed, brings it back, and says so", async () => {
    process.kill(pids[1] as number, "SIGKILL");
    await started.says(/^n2 was ended by SIGKILL; it is started again in 0\.5 s\.$/m);
    assert.equal(await put(1, "meanwhile", "written without n2"), 200);
    const [, pid] = await started.says(/^n2 is ready again, as process (\d+)\.$/m);
    pids = [pids[0] as number, Number(pid), pids[2] as number];
    const read = await fetch(run.url(2, "/meanwhile?consistency=strong"));
    assert.equal(await read.text(), "written without n2");
  });

  it("says that a node does not answer while it is paused, and when it does again", async () => {
    const [, , third = 0] = pids;
    process.kill(third, "SIGSTOP");
    await started.says(new RegExp(`^n3 does not answer: process ${third} is paused`, "m"));
    process.kill(third, "SIGCONT");
    await started.says(/^n3 answers again\.$/m);
  });

  it("does not start where its ports are taken, and names the flag that moves them", async () => {
    const other = run.start(`--data=${join(folder, "other")}`);
    assert.deepEqual(await other.ended, { code: 1, signal: null });
    const { port } = new URL(run.url(1, ""));
    assert.match(
      other.errors,
      new RegExp(`port ${port}, the http port of n1, is taken by another process; choose others with --http \\d+`),
    );
    assert.equal(other.output, "");
  });

  it("leaves the folder of a cluster that runs as it is, and says that it is in use before it speaks of ports", async () => {
    const before = await readdir(run.data);
    const other = run.start();
    assert.deepEqual(await other.ended, { code: 1, signal: null });
    const [first = "", ...ports] = other.errors.split("\n");
    assert.match(first, /^trefoil dev: --data \S+ is in use by another process \(\d+\): a cluster runs in it already/);
    assert.match(ports.join("\n"), /^trefoil dev: port \d+, the http port of n1/);
    const elsewhere = (await DevRun.make(run.data, 5)).start("--nodes=5");
    assert.deepEqual(await elsewhere.ended, { code: 1, signal: null });
    assert.deepEqual(elsewhere.errors.match(/^.+$/gm)?.length, 1, elsewhere.errors);
    assert.deepEqual(await readdir(run.data), before);
  });

  it("ends with everything that it started when it is told to, by ctrl-c and by a npm that passes it on", async () => {
    started.signalGroup("SIGINT");
    started.signal("SIGINT");
    assert.deepEqual(await started.ended, { code: 0, signal: null }, started.output);
    assert.deepEqual(pids.filter(isAlive), []);
    assert.match(started.output, /Stopping …\nStopped\.\n$/);
  });

  it("explains that the number of groups is fixed in the folder", async () => {
    const other = run.start("--groups=5");
    assert.deepEqual(await other.ended, { code: 2, signal: null });
    assert.match(other.errors, /was founded with 4 groups, and their number is fixed in the folder/);
  });

  it("goes on from its data, on other ports too, and ends in order though a node of it died before", async () => {
    run = await DevRun.make(join(folder, "data"));
    started = run.start("--no-restart");
    await started.says(/Ctrl-c stops it/);
    pids = pidsIn(started.output);
    const read = await fetch(run.url(3, "/meanwhile?consistency=strong"));
    assert.equal(await read.text(), "written without n2");
    process.kill(pids[0] as number, "SIGKILL");
    await started.says(/^n1 was ended by SIGKILL, and stays dead \(--no-restart\)\.$/m);
    assert.equal(await put(2, "two", "of three"), 200);
    started.signalGroup("SIGINT");
    assert.deepEqual(await started.ended, { code: 0, signal: null }, started.output);
    assert.match(started.output, /Stopping …\nStopped\.\n$/);
  });

  it("kills what has not ended yet when it is told a second time, and says so", async () => {
    started = run.start();
    await started.says(/Ctrl-c stops it/);
    pids = pidsIn(started.output);
    process.kill(pids[1] as number, "SIGSTOP");
    started.signalGroup("SIGINT");
    await started.says(/^Stopping …$/m);
    // What comes at once is taken for the same wish.
    await new Promise((resolve) => {
      setTimeout(resolve, 400);
    });
    started.signalGroup("SIGINT");
    assert.deepEqual(await started.ended, { code: 1, signal: null });
    assert.match(started.output, /^Told to stop again: killing (n1, )?n2(, n3)? …$/m);
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it("ends with a word when no node is left (--no-restart)", async () => {
    started = run.start("--no-restart");
    await started.says(/Ctrl-c stops it/);
    pids = pidsIn(started.output);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    assert.deepEqual(await started.ended, { code: 1, signal: null });
    assert.match(
      started.output,
      /^n\d was ended by SIGKILL, and stays dead \(--no-restart\)\.\nNo node is left: this ends\.\n$/m,
    );
  });

  it("leaves no process behind when it is killed itself", async () => {
    started = run.start();
    await started.says(/Ctrl-c stops it/);
    pids = pidsIn(started.output);
    await started.kill();
    await eventually(() => Promise.resolve(assert.deepEqual(pids.filter(isAlive), [])));
  });
});
