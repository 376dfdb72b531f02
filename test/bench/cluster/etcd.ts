// A peer: three members of etcd on the loopback interface, as Debian ships it, with its own defaults.

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { endsWithThisProcess } from "../../support/children.ts";

export interface EtcdCluster {
  /** Where clients are listened to. */
  readonly ports: readonly number[];
  close(): Promise<void>;
}

const readySeconds = 30;

export async function startEtcd(folder: string, ports: readonly number[]): Promise<EtcdCluster> {
  const clientPorts = ports.slice(0, 3);
  const peerPorts = ports.slice(3, 6);
  const initial = peerPorts.map((port, at) => `m${at}=http://127.0.0.1:${port}`).join(",");
  const members = clientPorts.map((port, at) => {
    const client = `http://127.0.0.1:${port}`;
    const peer = `http://127.0.0.1:${peerPorts[at]}`;
    const flags = {
      name: `m${at}`,
      "data-dir": join(folder, `etcd-${at}`),
      "listen-client-urls": client,
      "advertise-client-urls": client,
      "listen-peer-urls": peer,
      "initial-advertise-peer-urls": peer,
      "initial-cluster": initial,
      "initial-cluster-state": "new",
    };
    const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const member = spawn("etcd", words, { stdio: "ignore" });
    endsWithThisProcess(member);
    return member;
  });
  const close = async (): Promise<void> => void (await Promise.all(members.map(stop)));
  try {
    for (const port of clientPorts) await untilHealthy(port);
  } catch (failure) {
    await close();
    throw failure;
  }
  return { ports: clientPorts, close };
}

async function untilHealthy(port: number): Promise<void> {
  const deadline = performance.now() + readySeconds * 1000;
  for (;;) {
    const isHealthy = await fetch(`http://127.0.0.1:${port}/health`).then(
      async (answer) => (await answer.text()).includes('"true"'),
      () => false,
    );
    if (isHealthy) return;
    if (performance.now() > deadline)
      throw new Error(`etcd's member on port ${port} is not healthy after ${readySeconds} s`);
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
}

function stop(member: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (member.exitCode !== null || member.signalCode !== null) return resolve();
    member.once("exit", () => resolve());
    member.kill("SIGKILL");
  });
}
