// The values of the three commands, and what several files here have to agree on.

import type { devSchema, gatewaySchema, trefoildSchema } from "./schema.ts";
import type { Values } from "./setting.ts";

export type NodeValues = Values<typeof trefoildSchema>;
export type GatewayValues = Values<typeof gatewaySchema>;
export type DevValues = Values<typeof devSchema>;

export const listenerFlags = ["http", "resp", "grpc", "peer", "admin"] as const;
export type ListenerFlag = (typeof listenerFlags)[number];

/** Of one tick of all cores; what is timed by them is a multiple of it. */
export const tickMilliseconds = 10;

/** A value in its JSON envelope, escapes and all, as the HTTP edge reads it. */
export const envelopeBytesMax = (valueBytesMax: number): number => 2 * valueBytesMax + 1024;
