// The store as a library, in a few lines: node dist/cmd/store/example.js FOLDER

import process from "node:process";
import { openStore } from "./open-store.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array): string => new TextDecoder().decode(value);

const folder = process.argv[2];
if (folder === undefined) {
  console.error("node dist/cmd/store/example.js FOLDER: name a folder for the store, a new one or its own");
  process.exit(2);
}
const { store, close } = await openStore(folder).catch((failure: unknown) => {
  console.error(failure instanceof Error ? failure.message : failure);
  process.exit(1);
});
await store.put(bytes("user:1"), bytes("Ada"));
await store.write(store.batch().put(bytes("user:2"), bytes("Grace")).put(bytes("user:3"), bytes("Barbara")));
await store.put(bytes("session:9"), bytes("open"), { ttlMilliseconds: 60_000 });
await store.delete(bytes("user:3"));
const found = await store.get(bytes("user:1"));
console.log(`user:1 is ${text(found?.value ?? bytes("nobody"))}`);
const scan = store.scan({ lower: bytes("user:"), upper: bytes("user;") });
while (await scan.next()) console.log(`${text(scan.key())} = ${text(scan.value())}`);
scan.close();
await close();
