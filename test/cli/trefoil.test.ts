// The commands that ask a cluster, against one of processes, which is killed in the end.

import { after, before } from "node:test";
import { describeKeys } from "./keys.ts";
import { describeLooking } from "./looking.ts";
import { describePage } from "./page.ts";
import { CliRig } from "./rig.ts";

let rig: CliRig;

before(async () => {
  rig = await CliRig.open();
});

// There is none when it could not be opened.
after(() => (rig as CliRig | undefined)?.close());

describeKeys(() => rig);
describePage(() => rig);
describeLooking(() => rig);
