// What a node listens on today, of the listeners that it has settings for.

import type { ListenerFlag } from "../../internal/config/values.ts";

export const listenedOn: readonly ListenerFlag[] = ["http", "grpc", "admin", "peer"];
