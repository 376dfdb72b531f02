// Paths of sockets in a folder whose own path may be long. The system takes at most 103 bytes for the
// path of a socket (108 on Linux, both with a closing zero), while a folder's may have 4,096. Where it does
// not fit, the folder is reached another way: on Linux through its descriptor, elsewhere through a symbolic
// link in the folder for temporary files.

import { existsSync } from "node:fs";
import { mkdtemp, open, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const socketPathBytesMax = 103;
/** The longest name that a lock uses: `.lock-4194304-0123456789abcdef`. */
const nameBytesMax = 32;
const descriptorsFolder = "/proc/self/fd";

export interface SocketFolder {
  /** A path of that name in the folder, which the system takes for a socket. */
  pathOf(name: string): string;
  /** Afterwards the paths lead nowhere; sockets that were made through them stay. */
  dispose(): Promise<void>;
}

/** How to reach a folder with a long path. */
export type Detour = "descriptor" | "link";

export async function shortenFolder(folder: string, detour = detourHere()): Promise<SocketFolder> {
  if (Buffer.byteLength(folder) + 1 + nameBytesMax <= socketPathBytesMax) {
    return { pathOf: (name) => `${folder}/${name}`, dispose: async () => undefined };
  }
  return detour === "descriptor" ? throughDescriptor(folder) : throughLink(folder);
}

function detourHere(): Detour {
  return existsSync(descriptorsFolder) ? "descriptor" : "link";
}

async function throughDescriptor(folder: string): Promise<SocketFolder> {
  const handle = await open(folder, "r");
  return {
    pathOf: (name) => `${descriptorsFolder}/${handle.fd}/${name}`,
    dispose: () => handle.close(),
  };
}

async function throughLink(folder: string): Promise<SocketFolder> {
  const temporary = await mkdtemp(join(tmpdir(), "trefoil-"));
  const link = join(temporary, "f");
  await symlink(resolve(folder), link);
  return {
    pathOf: (name) => `${link}/${name}`,
    dispose: () => rm(temporary, { recursive: true, force: true }),
  };
}
