// A metric family: a name, and a function that gives its samples when somebody looks. Nothing is pushed anywhere; prom-client writes
// the page.

import { Registry } from "prom-client";
import type { Metric } from "prom-client";

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
  /** Behind the family's name: `_bucket`, `_sum`, `_count` of a histogram. */
  readonly part?: "_bucket" | "_sum" | "_count";
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly read: () => readonly Sample[];
}

export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

export type ReadMetrics = () => Promise<MetricsText>;

/**
 * A family whose source throws has no samples on that page, is counted there, and told to `onFailure`: metrics are wanted most
 * when something is wrong.
 */
export function openMetrics(
  families: readonly Family[],
  onFailure: (family: string, failure: unknown) => void,
): ReadMetrics {
  const registry = new Registry();
  let failures = 0;
  const register = ({ name, help, type, read }: Family): void => {
    const values = (): readonly unknown[] => {
      try {
        return read().map(({ labels, value, part = "" }) => ({ metricName: `${name}${part}`, labels, value }));
      } catch (failure) {
        failures++;
        onFailure(name, failure);
        return [];
      }
    };
    // What a registry asks of a metric, which its types do not say: a name, and `get`.
    const metric = {
      name,
      help,
      type,
      aggregator: "sum",
      get: () => Promise.resolve({ name, help, type, values: values() }),
    };
    registry.registerMetric(metric as unknown as Metric);
  };
  for (const family of families) register(family);
  // The last one: what failed on this page is on it.
  register({
    name: "trefoil_metrics_failures_total",
    help: "Times that the source of a metric failed.",
    type: "counter",
    read: () => [{ labels: {}, value: failures }],
  });
  return async () => ({ contentType: registry.contentType, text: await registry.metrics() });
}

export function gauge(name: string, help: string, read: () => readonly Sample[]): Family {
  return { name, help, type: "gauge", read };
}

export function counter(name: string, help: string, read: () => readonly Sample[]): Family {
  return { name, help, type: "counter", read };
}

export function single(value: number): readonly Sample[] {
  return [{ labels: {}, value }];
}

export interface HistogramNumbers {
  /** Upper ends in seconds, ascending. */
  readonly bounds: readonly number[];
  /** One more than bounds: what lies above the last. Starts at `offset`. */
  readonly counts: Float64Array;
  readonly offset: number;
  readonly sumSeconds: number;
}

/** Cumulative, as the exposition wants it. */
export function histogramSamples(labels: Labels, { bounds, counts, offset, sumSeconds }: HistogramNumbers): Sample[] {
  const samples: Sample[] = [];
  let below = 0;
  for (let at = 0; at <= bounds.length; at++) {
    below += counts[offset + at] as number;
    const le = at === bounds.length ? "+Inf" : (bounds[at] as number);
    samples.push({ part: "_bucket", labels: { ...labels, le }, value: below });
  }
  samples.push({ part: "_sum", labels, value: sumSeconds }, { part: "_count", labels, value: below });
  return samples;
}
