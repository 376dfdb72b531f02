// A failure as gRPC tells it: a status, text in trailers for any client, and google.rpc.Status with a Failure in it for those whose
// libraries read details.

import { Metadata } from "@grpc/grpc-js";
import protobuf from "protobufjs";
import { errorCodes } from "../base/errors.ts";
import { asksForPatience, patienceMilliseconds } from "../node/failure.ts";
import type { Failure, GroupRefusal } from "../node/failure.ts";
import { answerTypes, consistency, encodeMessage, outcome, role } from "./messages.ts";

export interface RefusalStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** google.rpc.Status and google.protobuf.Any, by their numbers. */
const detailsProto = `
  syntax = "proto3";
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Any { string type_url = 1; bytes value = 2; }
`;
const statusType = protobuf.parse(detailsProto, new protobuf.Root()).root.lookupType("Status");

export function refusalOf(failure: Failure): RefusalStatus {
  const { code, detail, requestId } = failure;
  const { grpcStatus, httpStatus } = errorCodes[code];
  const retryAfterMs = asksForPatience(httpStatus) ? patienceMilliseconds : undefined;
  const metadata = new Metadata();
  metadata.set("trefoil-code", code);
  metadata.set("trefoil-outcome", failure.outcome);
  metadata.set("trefoil-request-id", requestId);
  if (retryAfterMs !== undefined) metadata.set("retry-after-ms", String(retryAfterMs));
  const value = encodeMessage(answerTypes.failure, {
    code,
    outcome: outcome[failure.outcome],
    retryable: failure.retryable,
    retryAfterMs,
    requestId,
    ...placeFields(failure.refusal, metadata),
  });
  const details = [{ typeUrl: "type.googleapis.com/trefoil.v1.Failure", value }];
  const status = statusType.encode({ code: grpcStatus, message: wellFormed(detail), details }).finish();
  metadata.set("grpc-status-details-bin", Buffer.from(status));
  return { code: grpcStatus, details: wellFormed(detail), metadata };
}

/** What is known of a request that came as far as a group; trailers are set as well. */
function placeFields(refusal: GroupRefusal | undefined, trailers: Metadata): object {
  if (refusal === undefined) return {};
  const { present, entry } = refusal;
  const { node, group, decided } = refusal.place;
  trailers.set("trefoil-node", node);
  trailers.set("trefoil-group", String(group));
  if (present !== undefined) trailers.set("trefoil-present", `${present.term}.${present.index}`);
  if (entry !== undefined) trailers.set("trefoil-receipt", `${group}.${entry.term}.${entry.index}`);
  return {
    present,
    receipt: entry && { group, term: entry.term, index: entry.index },
    served: {
      node,
      group,
      ...(decided && { consistency: consistency[decided.consistency], role: role[decided.role] }),
    },
  };
}

/** Half a surrogate pair cannot be sent: the library would throw, and the call would never end. */
function wellFormed(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}
