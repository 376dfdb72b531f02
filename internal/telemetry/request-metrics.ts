// Requests by operation, mode, protocol and outcome. Counting one is a few writes into typed arrays; labels and text are made when
// somebody looks. What can be counted is a closed list, so that no label ever holds a key.

import { gauge, histogramSamples } from "./families.ts";
import type { Family, Sample } from "./families.ts";
import { LatencyWindow } from "./latency-window.ts";

const operations = ["get", "put", "delete", "incr", "batch", "scan", "watch"] as const;
/** `none`: it was refused before anybody knew. */
const modes = ["fast", "strong", "session", "bounded", "none"] as const;
const protocols = ["http", "grpc", "resp"] as const;
const outcomes = ["ok", "not_found", "refused", "failed", "unknown"] as const;

export type MeasuredOperation = (typeof operations)[number];
export type MeasuredMode = Exclude<(typeof modes)[number], "none">;
export type Protocol = (typeof protocols)[number];
export type MeasuredOutcome = (typeof outcomes)[number];

/** Told of each request by an edge. */
export interface ProtocolObserver {
  answered(
    operation: MeasuredOperation,
    mode: MeasuredMode | undefined,
    outcome: MeasuredOutcome,
    milliseconds: number,
  ): void;
}

const boundsSeconds: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
];
const boundsMilliseconds = boundsSeconds.map((seconds) => seconds * 1000);
const buckets = boundsSeconds.length + 1;
const quantileShares: readonly number[] = [0.5, 0.95, 0.99];

const operationAt = placesOf(operations);
const modeAt = placesOf(modes);
const outcomeAt = placesOf(outcomes);
/** Of latencies: of what was answered as it was asked. */
const answeredOutcomes = outcomeAt.not_found;

export class RequestMetrics {
  private readonly counts = new Float64Array(seriesCount * buckets);
  private readonly sums = new Float64Array(seriesCount);
  private readonly latencies: LatencyWindow;

  /** `now` in milliseconds that only grow. */
  constructor(now: () => number) {
    this.latencies = new LatencyWindow(operations.length * modes.length, now);
  }

  observerOf(protocol: Protocol): ProtocolObserver {
    const protocolIndex = protocols.indexOf(protocol);
    return {
      answered: (operation, mode, outcome, milliseconds) => {
        const asked = operationAt[operation] * modes.length + modeAt[mode ?? "none"];
        const outcomeIndex = outcomeAt[outcome];
        const series = (asked * protocols.length + protocolIndex) * outcomes.length + outcomeIndex;
        const at = series * buckets + bucketOf(milliseconds);
        this.counts[at] = (this.counts[at] as number) + 1;
        this.sums[series] = (this.sums[series] as number) + Math.max(0, milliseconds);
        if (outcomeIndex <= answeredOutcomes) this.latencies.observe(asked, milliseconds);
      },
    };
  }

  /** `inFlight`: requests without an answer, by protocol. */
  families(inFlight: () => Readonly<Partial<Record<Protocol, number>>>): Family[] {
    return [
      {
        name: "trefoil_request_duration_seconds",
        help: "Requests that read or write records, from their first byte to their answer.",
        type: "histogram",
        read: () => this.durations(),
      },
      gauge(
        "trefoil_request_latency_seconds",
        "Quantiles of the last minute, of requests that were answered: ok or not_found.",
        () => this.quantiles(),
      ),
      gauge("trefoil_requests_in_flight", "Requests without an answer.", () =>
        Object.entries(inFlight()).map(([protocol, value]) => ({ labels: { protocol }, value })),
      ),
    ];
  }

  private durations(): Sample[] {
    const samples: Sample[] = [];
    for (let series = 0; series < seriesCount; series++) {
      const offset = series * buckets;
      if (this.counts.subarray(offset, offset + buckets).every((count) => count === 0)) continue;
      const sumSeconds = (this.sums[series] as number) / 1000;
      samples.push(
        ...histogramSamples(labelsOf(series), { bounds: boundsSeconds, counts: this.counts, offset, sumSeconds }),
      );
    }
    return samples;
  }

  private quantiles(): Sample[] {
    return operations.flatMap((op, operation) =>
      modes.flatMap((mode, at) => {
        const found = this.latencies.quantiles(operation * modes.length + at, quantileShares) ?? [];
        return found.map((value, which) => ({
          labels: { op, mode, quantile: quantileShares[which] as number },
          value,
        }));
      }),
    );
  }
}

const seriesCount = operations.length * modes.length * protocols.length * outcomes.length;

function labelsOf(series: number): Readonly<Record<"op" | "mode" | "protocol" | "outcome", string>> {
  const outcome = outcomes[series % outcomes.length] as string;
  const withProtocol = Math.floor(series / outcomes.length);
  const protocol = protocols[withProtocol % protocols.length] as string;
  const asked = Math.floor(withProtocol / protocols.length);
  const mode = modes[asked % modes.length] as string;
  return { op: operations[Math.floor(asked / modes.length)] as string, mode, protocol, outcome };
}

function bucketOf(milliseconds: number): number {
  let bucket = 0;
  while (bucket < boundsMilliseconds.length && milliseconds > (boundsMilliseconds[bucket] as number)) bucket++;
  return bucket;
}

function placesOf<Word extends string>(words: readonly Word[]): Readonly<Record<Word, number>> {
  return Object.fromEntries(words.map((word, at) => [word, at])) as Record<Word, number>;
}
