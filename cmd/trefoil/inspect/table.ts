// What a table holds: its parts, its blocks, and every entry when that is asked for.

import { unreachable } from "../../../internal/base/assert.ts";
import { inspectTable } from "../../../internal/engine/table/table-inspector.ts";
import type { TableFinding } from "../../../internal/engine/table/table-inspector.ts";
import type { TableProperties } from "../../../internal/engine/table/properties.ts";
import { realJobDisk } from "../../../internal/os/real-job-disk.ts";
import type { Finding, InspectOptions } from "../output.ts";
import { base64, shownEngineKey, shownExpiry, shownStamp } from "./text.ts";

export async function* findingsOfTable(
  path: string,
  options: InspectOptions,
): AsyncGenerator<Finding, void, undefined> {
  const file = realJobDisk.openFile(path);
  try {
    for (const finding of inspectTable(file)) {
      if (finding.kind !== "entry" || options.entries) yield findingOf(finding);
    }
  } finally {
    file.close();
  }
}

function findingOf(finding: TableFinding): Finding {
  switch (finding.kind) {
    case "footer": {
      const { dataBytes, filterBytes, propertiesBytes, indexBytes, salt } = finding.footer;
      const details = `${finding.fileBytes} bytes: data ${dataBytes}, filter ${filterBytes}, properties ${propertiesBytes}, index ${indexBytes}`;
      const fields = { fileBytes: finding.fileBytes, dataBytes, filterBytes, propertiesBytes, indexBytes, salt };
      return { place: String(finding.fileBytes), what: "footer", details, fields };
    }
    case "filter": {
      const { bytes, probes } = finding;
      return {
        place: "",
        what: "filter",
        details: `${bytes} bytes, ${probes} probes a key`,
        fields: { bytes, probes },
      };
    }
    case "properties":
      return describeProperties(finding.properties);
    case "index": {
      const { blocks, bytes } = finding;
      return { place: "", what: "index", details: `${blocks} blocks, ${bytes} bytes`, fields: { blocks, bytes } };
    }
    case "block": {
      const { number, offset, bytes, entries, restarts } = finding;
      const details = `${number}: ${bytes} bytes, ${entries} entries, ${restarts} restart points`;
      return { place: String(offset), what: "block", details, fields: { number, offset, bytes, entries, restarts } };
    }
    case "entry": {
      const { block, key, sequence, cell } = finding;
      const { tombstone, term, index, stamp, expiry, payload } = cell;
      const held = tombstone ? "tombstone" : `${payload.length} bytes${shownExpiry(expiry)}`;
      const details = `${shownEngineKey(key)} @${sequence} = ${term}.${index}, ${shownStamp(stamp)}: ${held}`;
      const fields = { block, key64: base64(key), sequence, tombstone, term, index, stamp, expiry };
      return { place: "", what: "entry", details, fields: { ...fields, payload64: base64(payload) } };
    }
    case "damage":
      return { place: "", what: "damage", details: finding.detail, fields: { detail: finding.detail }, isDamage: true };
    default:
      return unreachable(finding, "a kind of finding in a table");
  }
}

function describeProperties(properties: TableProperties): Finding {
  const { smallest, largest, versionLeast, versionGreatest, ...numbers } = properties;
  const { number, entries, keys, tombstones, expiring, sequenceLeast, sequenceGreatest } = properties;
  const counts = `table ${number}: ${entries} entries of ${keys} keys, ${tombstones} tombstones, ${expiring} expiring`;
  const range = `keys ${shownEngineKey(smallest)} to ${shownEngineKey(largest)}`;
  const details = `${counts}; sequences ${sequenceLeast} to ${sequenceGreatest}; ${range}`;
  const keys64 = { smallest64: base64(smallest), largest64: base64(largest) };
  const versions = { versionLeast: { ...versionLeast }, versionGreatest: { ...versionGreatest } };
  return { place: "", what: "properties", details, fields: { ...numbers, ...keys64, ...versions } };
}
