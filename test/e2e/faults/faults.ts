// What can befall a cluster, each by name. A fault begins, lasts, and is over when `strike` resolves; what it left behind, processes that
// start and replicas that are filled, heals by itself then.

import type { Arena, Needs } from "../arena.ts";
import { rest } from "../moments.ts";
import { around, into, outOf } from "../wires/wires.ts";
import { pressUntilFull } from "./pressing.ts";

export interface Fault {
  readonly name: string;
  /** For the report. */
  readonly what: string;
  readonly needs?: Needs;
  /** Data of a node goes with it: fast writes that only that node had may be lost. */
  readonly losesDisk?: boolean;
  /** How far it puts clocks apart, in milliseconds. */
  readonly clockError?: number;
  strike(arena: Arena, round: number): Promise<void>;
}

const pauseMilliseconds = 10_000;
const sleepMilliseconds = 3000;
const clockMilliseconds = 4000;
const slowBytesPerSecond = 64 * 1024;
const lossPercent = 5;

/** For how long a cut lasts, or a process is away. */
const spell = ({ random }: Arena): number => random.between(4000, 6000);
const absence = ({ random }: Arena): number => random.between(500, 2500);

async function killAndStart(arena: Arena, node: number): Promise<void> {
  await arena.kill(node);
  await rest(absence(arena));
  arena.start(node);
}

export const faults: readonly Fault[] = [
  {
    name: "leader-killed",
    what: "SIGKILL of a leader, started again after a while",
    strike: async (arena) => killAndStart(arena, await arena.leader()),
  },
  {
    name: "each-killed",
    what: "SIGKILL of each node in turn, the next one when the last is ready again",
    strike: async (arena) => {
      for (const node of arena.nodes) {
        await killAndStart(arena, node);
        await arena.untilHealed();
      }
    },
  },
  {
    name: "all-killed",
    what: "SIGKILL of all at once",
    strike: async (arena) => {
      await Promise.all(arena.nodes.map((node) => arena.kill(node)));
      await rest(absence(arena));
      for (const node of arena.nodes) arena.start(node);
    },
  },
  {
    name: "leader-paused",
    what: `SIGSTOP of a leader, SIGCONT after ${pauseMilliseconds / 1000} s`,
    strike: async (arena) => arena.pauseFor(await arena.leader(), pauseMilliseconds),
  },
  {
    name: "leader-asleep",
    what: `a leader is cut off and stands still; it wakes up after ${sleepMilliseconds / 1000} s, and hears nothing of its successor for a while`,
    strike: async (arena) => {
      const node = await arena.leader();
      await Promise.all([
        arena.cutFor(node, around(node, arena.nodes.length), spell(arena)),
        arena.pauseFor(node, sleepMilliseconds),
      ]);
    },
  },
  {
    name: "leader-cut",
    what: "a leader is cut off from the others, not from clients",
    strike: async (arena) => {
      const node = await arena.leader();
      await arena.cutFor(node, around(node, arena.nodes.length), spell(arena));
    },
  },
  {
    name: "follower-cut",
    what: "a node is cut off that leads the fewest groups",
    strike: async (arena) => {
      const node = await arena.follower();
      await arena.cutFor(node, around(node, arena.nodes.length), spell(arena));
    },
  },
  {
    name: "one-way-cut",
    what: "a leader's words reach nobody, or nobody's words reach it, by turns",
    strike: async (arena, round) => {
      const node = await arena.leader();
      const pairs = round % 2 === 0 ? outOf(node, arena.nodes.length) : into(node, arena.nodes.length);
      await arena.cutFor(node, pairs, spell(arena));
    },
  },
  {
    name: "slow-link",
    what: `all that a leader sends leaves at ${slowBytesPerSecond / 1024} KiB/s`,
    strike: async (arena) => {
      await arena.wires.slow(await arena.leader(), slowBytesPerSecond);
      await rest(spell(arena));
      await arena.wires.heal();
    },
  },
  {
    name: "lossy-links",
    what: `${lossPercent} % of what nodes send each other is lost`,
    strike: async (arena) => {
      await arena.wires.lose(lossPercent);
      await rest(spell(arena));
      await arena.wires.heal();
    },
  },
  {
    name: "rolling-restart",
    what: "each node is told to stop, and started again, the next one when the last is ready",
    strike: async (arena) => {
      for (const node of arena.nodes) {
        await arena.stop(node);
        arena.start(node);
        await arena.untilHealed();
      }
    },
  },
  {
    name: "disk-wiped",
    what: "a node is killed, and started with an empty folder",
    losesDisk: true,
    strike: async (arena) => {
      const node = arena.anyNode();
      await arena.kill(node);
      await arena.wipe(node);
      arena.start(node);
    },
  },
  {
    name: "log-damaged",
    what: "a node is killed, and a bit in the middle of its log is turned",
    losesDisk: true,
    strike: async (arena) => {
      const node = arena.anyNode();
      await arena.kill(node);
      await arena.damage(node);
      arena.start(node);
    },
  },
  {
    name: "disk-full",
    what: "a leader's disk has no byte left, until it says so, others lead what it led, and a while longer",
    needs: { smallDisks: true },
    strike: async (arena) => {
      const node = await arena.leader();
      arena.smallDisk(node).fill();
      try {
        await pressUntilFull(arena, node);
        await arena.untilItLeadsNone(node);
        await rest(absence(arena));
      } finally {
        arena.smallDisk(node).empty();
      }
    },
  },
  {
    name: "sync-fails",
    what: "a leader's disk fails to sync: the process ends at once, and is started again",
    needs: { preload: true },
    strike: async (arena) => {
      const node = await arena.leader();
      arena.control.disk(node, "fails");
      await arena.untilItEnds(node);
      arena.control.disk(node, "as_ever");
      arena.start(node);
    },
  },
  {
    name: "disk-hangs",
    what: "a leader's disk does not answer for a while",
    needs: { preload: true },
    strike: async (arena) => {
      const node = await arena.leader();
      arena.control.disk(node, "hangs");
      await rest(spell(arena));
      arena.control.disk(node, "as_ever");
    },
  },
  {
    name: "clock-off",
    what: `a leader's wall clock jumps by ${clockMilliseconds / 1000} s, forwards and back by turns, and back again`,
    needs: { preload: true },
    clockError: clockMilliseconds,
    strike: async (arena, round) => {
      const node = await arena.leader();
      arena.control.clock(node, round % 2 === 0 ? clockMilliseconds : -clockMilliseconds);
      await rest(spell(arena));
      arena.control.clock(node, 0);
    },
  },
];
