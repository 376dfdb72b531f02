// Who may talk to whom, decided from two hellos alone. Each refusal says what is wrong and what to do about it.

import { nodeId } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import { ofAnotherCluster, ofAnotherProcess } from "../platform/network.ts";
import type { NetworkHost, NodeIdentity } from "../platform/network.ts";
import { protocolVersions, purpose, type Hello, type Purpose } from "./peer-protocol.ts";

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

export interface Welcome {
  readonly kind: "welcome";
  readonly identity: NodeIdentity;
  readonly version: number;
  readonly purpose: Purpose;
}

export type Judged = Welcome | { readonly kind: "refused"; readonly why: string };

export function helloOf(own: NodeIdentity, wanted: string, toBe: Purpose): Hello {
  const { least, most } = protocolVersions;
  return { ...own, versionLeast: least, versionMost: most, wanted, purpose: toBe };
}

/** The answer to a hello that is welcome. */
export function welcomeOf(own: NodeIdentity, judged: Welcome): Hello {
  const { version } = judged;
  return { ...own, versionLeast: version, versionMost: version, wanted: "", purpose: judged.purpose };
}

/** By the side that was dialled. */
export function judgeHello(hello: Hello, host: NetworkHost): Judged {
  const own = host.identity();
  const version = Math.min(hello.versionMost, protocolVersions.most);
  if (version < Math.max(hello.versionLeast, protocolVersions.least)) {
    const { least, most } = protocolVersions;
    const theirs = `${hello.versionLeast} to ${hello.versionMost}`;
    return refused(
      `this node speaks versions ${least} to ${most} of the peer protocol, the other ${theirs}: update the older one`,
    );
  }
  if (hello.wanted !== own.node && hello.purpose !== purpose.visit) {
    return refused(`this is node ${own.node}, not ${quoted(hello.wanted)}: correct its address in the peers' list`);
  }
  return judge(hello, version, host);
}

/** By the side that dialled. `wanted` is empty when anybody will do. */
export function judgeWelcome(hello: Hello, wanted: string, host: NetworkHost): Judged {
  const version = hello.versionMost;
  if (version < protocolVersions.least || version > protocolVersions.most || hello.versionLeast !== version) {
    return refused(`the other side chose version ${version} of the peer protocol, which was not offered`);
  }
  if (wanted !== "" && hello.node !== wanted)
    return refused(`node ${quoted(hello.node)} answers where ${wanted} was dialled`);
  return judge(hello, version, host);
}

function judge(hello: Hello, version: number, host: NetworkHost): Judged {
  const own = host.identity();
  if (!namePattern.test(hello.node)) return refused(`${quoted(hello.node)} is no name of a node`);
  if (hello.node === own.node) return refused(`two nodes are called ${own.node}: each needs an --id of its own`);
  const stranger = strangerRefusal(own, hello);
  if (stranger !== undefined) return refused(stranger);
  const of = purposeOf(hello.purpose);
  if (of === undefined) return refused(`purpose ${hello.purpose} of a stream is not known here`);
  const identity = { node: nodeId(hello.node), cluster: hello.cluster, life: hello.life, disk: hello.disk ?? "" };
  const why = of === purpose.visit ? undefined : host.refusal(identity);
  return why === undefined ? { kind: "welcome", identity, version, purpose: of } : refused(why);
}

/** Why two nodes are not of one cluster, as far as they know; undefined: they may be. */
export function strangerRefusal(own: NodeIdentity, other: Pick<Hello, "node" | "cluster">): string | undefined {
  if (other.cluster === "" || own.cluster === "" || other.cluster === own.cluster) return undefined;
  const theirs = quoted(other.cluster);
  return `${ofAnotherCluster}node ${own.node} belongs to cluster ${own.cluster}, node ${other.node} to ${theirs}`;
}

/** To a process that goes on, though another one has its name and its folder. */
export const laterProcess = (node: NodeId): string =>
  `${ofAnotherProcess}a later process of node ${node} was connected: this one is to end`;

function purposeOf(value: number): Purpose | undefined {
  return Object.values(purpose).find((known) => known === value);
}

function refused(why: string): Judged {
  return { kind: "refused", why };
}

/** Foreign text in an error: short, and printable. */
function quoted(text: string): string {
  const short = text.length > 64 ? `${text.slice(0, 64)}…` : text;
  return JSON.stringify(short.replaceAll(/[^\x20-\x7e…]/g, "?"));
}
