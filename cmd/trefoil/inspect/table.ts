// What a table holds: its parts, its blocks, and every entry when that is asked for.

import { unreachable } from "../../../internal/base/assert.ts";
import { counted } from "../../../internal/base/counted.ts";
import { inspectTable } from "../../../internal/engine/table/table-inspector.ts";
import type { TableFinding } from "../../../internal/engine/table/table-inspector.ts";
import type { TableProperties } from "../../../internal/engine/table/properties.ts";
import { realJobDisk } from "../../../internal/os/real-job-disk.ts";
import type { Finding, InspectOptions } from "../output.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import { checkPath } from "./path.ts";
import { base64, shownEngineKey, shownExpiry, shownStamp, shownVersion, valueIn } from "./text.ts";

export async function* findingsOfTables(
  given: readonly string[],
  options: InspectOptions,
): AsyncGenerator<Finding, void, undefined> {
  const paths: string[] = [];
  for (const path of given) paths.push((await checkPath(new RealDisk(), "table", path))[0]);
  for (const path of paths) {
    yield { place: "", what: "table", details: path, fields: { file: path } };
    const file = realJobDisk.openFile(path);
    try {
      for (const finding of inspectTable(file)) {
        if (finding.kind === "entry" && !options.entries) continue;
        const { fields, ...shown } = findingOf(finding);
        yield { ...shown, fields: { file: path, ...fields } };
      }
    } finally {
      file.close();
    }
  }
}

function findingOf(finding: TableFinding): Finding {
  switch (finding.kind) {
    case "footer": {
      const { dataBytes, filterBytes, propertiesBytes, indexBytes, salt } = finding.footer;
      const details = `${counted(finding.fileBytes, "byte")}: data ${dataBytes}, filter ${filterBytes}, properties ${propertiesBytes}, index ${indexBytes}`;
      const fields = { fileBytes: finding.fileBytes, dataBytes, filterBytes, propertiesBytes, indexBytes, salt };
      return { place: String(finding.fileBytes), what: "footer", details, fields };
    }
    case "filter": {
      const { bytes, probes } = finding;
      return {
        place: "",
        what: "filter",
        details: `${counted(bytes, "byte")}, ${counted(probes, "probe")} a key`,
        fields: { bytes, probes },
      };
    }
    case "properties":
      return describeProperties(finding.properties);
    case "index": {
      const { blocks, bytes } = finding;
      const details = `${counted(blocks, "block")}, ${counted(bytes, "byte")}`;
      return { place: "", what: "index", details, fields: { blocks, bytes } };
    }
    case "block": {
      const { number, offset, bytes, entries, restarts } = finding;
      const counts = `${counted(entries, "entry", "entries")}, ${counted(restarts, "restart point")}`;
      const details = `block ${number}: ${counted(bytes, "byte")}, ${counts}`;
      return { place: String(offset), what: "block", details, fields: { number, offset, bytes, entries, restarts } };
    }
    case "entry": {
      const { block, key, sequence, cell } = finding;
      const { tombstone, term, index, stamp, expiry, payload } = cell;
      const value = valueIn(payload);
      const held = tombstone ? "deleted" : `value of ${counted(value.length, "byte")}${shownExpiry(expiry)}`;
      const written = `${shownVersion(term, index)}, sequence ${sequence}, ${shownStamp(stamp)}`;
      const details = `${shownEngineKey(key)}: ${held} (${written})`;
      const fields = { block, key64: base64(key), sequence, tombstone, term, index, stamp, expiry };
      return {
        place: "",
        what: "entry",
        details,
        fields: { ...fields, payload64: base64(payload), value64: base64(value) },
      };
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
  const all = `${counted(entries, "entry", "entries")} of ${counted(keys, "key")}`;
  const counts = `table ${number}: ${all}, ${counted(tombstones, "tombstone")}, ${expiring} expiring`;
  const range = `keys ${shownEngineKey(smallest)} to ${shownEngineKey(largest)}`;
  const details = `${counts}; sequences ${sequenceLeast} to ${sequenceGreatest}; ${range}`;
  const keys64 = { smallest64: base64(smallest), largest64: base64(largest) };
  const versions = { versionLeast: { ...versionLeast }, versionGreatest: { ...versionGreatest } };
  return { place: "", what: "properties", details, fields: { ...numbers, ...keys64, ...versions } };
}
