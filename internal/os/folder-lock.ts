// A lock on a folder that the kernel frees when its holder dies, however it dies: a Unix socket in the
// folder on which the holder listens. Node has no file locks; a pid file would outlive its process, and
// its number may since belong to another. Works between processes of one machine, containers that share
// the folder included (unlike an abstract socket, which belongs to one network namespace).
//
// The trap in such locks is the takeover: between "nobody answers on this socket, so I remove it" and the
// removal, somebody else may have bound that very name. Here no name is ever used twice, so there is
// nothing to mistake:
//
//   1. bind and listen on `.lock-new-<nonce>`, then rename it to `.lock-<pid>-<nonce>`. So whoever sees
//      the second kind of name and is refused knows that its process is gone for good, and may remove it.
//      (Between bind and listen a live socket refuses too; that is why it is not visible yet.)
//   2. list the folder and ask every other such socket.
//        refused      its process is dead: remove the name
//        "holding"    give up
//        "starting"   of two starters the smaller nonce goes on: give up, or wait until it has
//        no answer    connected, so it lives, but is stopped or busy: give up
//   3. nobody is left: hold.
//
// At most one holds: everybody shows its socket before it looks, so of two the one that looks later sees
// the other. One holds in the end: the smallest nonce gives way to a holder only, and nobody waits for
// a smaller one, so no circle of waiting closes.
//
// On macOS a listener with a full queue refuses as a dead one does; there a refusal counts when repeated.

import { randomBytes } from "node:crypto";
import { readdir, rename, unlink } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { DiskFailure, type FolderLock } from "../platform/disk.ts";
import { errorCode, toDiskFailure } from "./disk-failures.ts";
import { shortenFolder, type Detour, type SocketFolder } from "./socket-folder.ts";

const lockPrefix = ".lock-";
const newPrefix = ".lock-new-";
const announcedName = /^\.lock-(\d+)-([0-9a-f]{16})$/;

/** How long a socket that took our connection has to say what its process does. */
const answerMillisecondsMax = 1000;
const askAgainMilliseconds = 5;
/** How long another starter has to come to an end. */
const startMillisecondsMax = 10_000;
const connectionsMax = 64;
const attemptsMax = 100;
const refusalsMin = process.platform === "linux" ? 1 : 4;

/** Names of the locks of this thread. The number of a process may be another's as well, in another container. */
const ownNames = new Set<string>();

type State = "starting" | "holding";

/**
 * dead: nobody listens, and nobody will. silent: somebody does, and says nothing. lost: the connection broke
 * before an answer came; to be asked again.
 */
type Answer = State | "dead" | "silent" | "lost";

/** Files of the lock itself, which nobody else need know of. */
export function isLockName(name: string): boolean {
  return name.startsWith(lockPrefix);
}

/** `detour` is how to reach a folder with a long path; tests name each. */
export async function lockFolder(folder: string, detour?: Detour): Promise<FolderLock> {
  let sockets: SocketFolder | undefined;
  let own: Candidate | undefined;
  try {
    // A folder that is not there or not ours fails here with its own errno; bind would call either EACCES.
    await readdir(folder);
    sockets = await shortenFolder(folder, detour);
    own = await Candidate.announce(folder, sockets);
    await contend(folder, sockets, own);
    own.state = "holding";
  } catch (reason) {
    await own?.withdraw();
    throw reason instanceof DiskFailure ? reason : toDiskFailure(reason, "lockFolder", folder);
  } finally {
    await sockets?.dispose();
  }
  const holder = own;
  return { release: () => holder.withdraw() };
}

/** Returns when nobody else is left, or throws "in_use". */
async function contend(folder: string, sockets: SocketFolder, own: Candidate): Promise<void> {
  const names = await readdir(folder);
  for (const name of names) {
    const [, pid, nonce] = announcedName.exec(name) ?? [];
    if (pid === undefined || nonce === undefined || nonce === own.nonce) continue;
    await outlast({ folder, sockets, name, pid, mayWait: nonce > own.nonce });
  }
  // What starters left that died in step 1. One that lives finds its name gone and begins anew.
  for (const name of names) if (name.startsWith(newPrefix)) await removeName(folder, name);
}

interface Rival {
  readonly folder: string;
  readonly sockets: SocketFolder;
  readonly name: string;
  readonly pid: string;
  /** Whether it gives way to us if it is only starting. */
  readonly mayWait: boolean;
}

/** Returns when the rival is gone, or throws "in_use". */
async function outlast(rival: Rival): Promise<void> {
  let refusals = 0;
  for (let waited = 0; waited < startMillisecondsMax; waited += askAgainMilliseconds) {
    const answer = await ask(rival.sockets.pathOf(rival.name));
    if (answer === "dead" && ++refusals >= refusalsMin) return removeName(rival.folder, rival.name);
    if (answer === "holding" || answer === "silent" || (answer === "starting" && !rival.mayWait)) break;
    await delay(askAgainMilliseconds);
  }
  const isOurs = ownNames.has(rival.name);
  const holder = isOurs ? "this process, which has it open already" : `another process (${rival.pid})`;
  const reason = new Error(`in use by ${holder}; ${isOurs ? "close" : "stop"} it, or choose another folder`);
  throw new DiskFailure("in_use", "lockFolder", rival.folder, reason);
}

/** Whether there is anybody behind a socket, and what it does there. */
function ask(path: string): Promise<Answer> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    let text = "";
    const finish = (answer: Answer): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish("silent"), answerMillisecondsMax);
    socket.setEncoding("utf8");
    socket.on("data", (part: string) => {
      text += part;
      if (text === "starting\n" || text === "holding\n") finish(text === "holding\n" ? "holding" : "starting");
      else if (text.length > 16) finish("silent");
    });
    socket.on("end", () => finish("lost"));
    socket.on("error", (reason) => finish(answerOfError(errorCode(reason))));
  });
}

function answerOfError(code: string | undefined): Answer {
  if (code === "ECONNREFUSED" || code === "ENOENT") return "dead";
  // EAGAIN: its queue is full.
  if (code === "ECONNRESET" || code === "EPIPE" || code === "EAGAIN") return "lost";
  // Not ours to judge, so it counts as alive.
  return "silent";
}

async function removeName(folder: string, name: string): Promise<void> {
  try {
    await unlink(`${folder}/${name}`);
  } catch (reason) {
    if (errorCode(reason) !== "ENOENT") throw toDiskFailure(reason, "lockFolder", `${folder}/${name}`);
  }
}

/** Our own socket: listening before it is visible, gone before it closes. */
class Candidate {
  state: State = "starting";
  readonly nonce = randomBytes(8).toString("hex");
  private readonly folder: string;
  private readonly server: Server;
  private readonly connections = new Set<Socket>();

  private constructor(folder: string) {
    this.folder = folder;
    this.server = createServer((socket) => this.answer(socket));
    this.server.maxConnections = connectionsMax;
    // The lock lasts as long as its process, and is no reason for the process to last.
    this.server.unref();
  }

  static async announce(folder: string, sockets: SocketFolder): Promise<Candidate> {
    for (let attempt = 1; ; attempt++) {
      const candidate = new Candidate(folder);
      await candidate.listen(sockets.pathOf(candidate.newName));
      try {
        ownNames.add(candidate.name);
        await rename(`${folder}/${candidate.newName}`, `${folder}/${candidate.name}`);
        return candidate;
      } catch (reason) {
        await candidate.withdraw();
        // A holder cleared our name away; the next attempt will meet it.
        if (errorCode(reason) !== "ENOENT" || attempt === attemptsMax) throw reason;
      }
    }
  }

  async withdraw(): Promise<void> {
    ownNames.delete(this.name);
    await removeName(this.folder, this.name);
    const closed = new Promise((resolve) => {
      this.server.close(resolve);
    });
    for (const socket of this.connections) socket.destroy();
    await closed;
  }

  private get name(): string {
    return `${lockPrefix}${process.pid}-${this.nonce}`;
  }

  private get newName(): string {
    return `${newPrefix}${this.nonce}`;
  }

  private listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen({ path, exclusive: true }, () => {
        this.server.off("error", reject);
        // Nothing that goes wrong with an asker concerns the lock.
        this.server.on("error", () => undefined);
        resolve();
      });
    });
  }

  private answer(socket: Socket): void {
    this.connections.add(socket);
    socket.on("close", () => this.connections.delete(socket));
    socket.on("error", () => undefined);
    socket.unref();
    socket.end(`${this.state}\n`);
  }
}
