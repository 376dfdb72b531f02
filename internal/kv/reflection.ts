// Server reflection, v1 and v1alpha: what is served here, told to tools such as grpcurl, which then need no proto file. A stream of
// questions, each with its answer; the next question is read when the answer has been taken.

import { status } from "@grpc/grpc-js";
import { TrefoilError } from "../base/errors.ts";
import type { Call, CallStream } from "./call.ts";
import type { DescribedFile } from "./descriptors.ts";
import { decodeMessage, encodeMessage } from "./messages.ts";
import { parseProto, reflectionFile } from "./proto-files.ts";
import type { Serving } from "./serving.ts";

const root = parseProto(reflectionFile, false);
const requestType = root.lookupType("grpc.reflection.v1.ServerReflectionRequest");
const responseType = root.lookupType("grpc.reflection.v1.ServerReflectionResponse");

/** A member of the oneof is the message's own when it was sent. */
interface Question {
  readonly host: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly listServices?: string;
}

export class Reflection {
  private readonly serving: Serving;
  private readonly files: readonly DescribedFile[];

  constructor(serving: Serving, files: readonly DescribedFile[]) {
    this.serving = serving;
    this.files = files;
  }

  /** Of either version: their messages are the same. */
  get methods(): Readonly<Record<string, (stream: CallStream) => void>> {
    return { ServerReflectionInfo: (stream) => this.serving.serveLong(stream, (call) => this.talk(call)) };
  }

  private async talk(call: Call): Promise<void> {
    const questions = new Questions(call);
    for (;;) {
      const bytes = await questions.next();
      if (bytes === undefined) return call.finish();
      const question = decodeMessage(requestType, bytes) as Question;
      const answer = { validHost: question.host, originalRequest: question, ...this.answer(question) };
      if (!(await call.send(encodeMessage(responseType, answer)))) return undefined;
    }
  }

  private answer(question: Question): object {
    const { fileByFilename, fileContainingSymbol } = question;
    if (Object.hasOwn(question, "listServices")) {
      const services = this.files.flatMap((file) => file.services).toSorted();
      return { listServicesResponse: { service: services.map((name) => ({ name })) } };
    }
    if (Object.hasOwn(question, "fileByFilename")) {
      return fileAnswer(this.files.find(({ name }) => name === fileByFilename));
    }
    if (Object.hasOwn(question, "fileContainingSymbol")) {
      return fileAnswer(this.files.find(({ symbols }) => symbols.has(fileContainingSymbol ?? "")));
    }
    return notFound("no message here has extensions");
  }
}

const questionBytesMax = 4096;
const questionsMax = 64;

/** They are read as they come, for the library reads ahead in any case; whoever asks too much without listening is refused. */
class Questions {
  private readonly waiting: Uint8Array[] = [];
  private isWhole = false;
  private isTooMuch = false;
  private wake: (() => void) | undefined;

  constructor(call: Call) {
    const { stream, signal } = call;
    stream.on("data", (bytes: Uint8Array) => {
      this.isTooMuch ||= bytes.length > questionBytesMax || this.waiting.length >= questionsMax;
      if (!this.isTooMuch) this.waiting.push(bytes);
      this.wake?.();
    });
    const end = (): void => {
      this.isWhole = true;
      this.wake?.();
    };
    stream.once("end", end);
    signal.addEventListener("abort", end, { once: true });
  }

  /** Undefined: there are no more. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      if (this.isTooMuch) throw new TrefoilError("busy", "these are too many questions at once, or too long ones");
      const question = this.waiting.shift();
      if (question !== undefined || this.isWhole) return question;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

function fileAnswer(file: DescribedFile | undefined): object {
  if (file === undefined) return notFound("nothing of this name is served here");
  return { fileDescriptorResponse: { fileDescriptorProto: [file.bytes] } };
}

function notFound(errorMessage: string): object {
  return { errorResponse: { errorCode: status.NOT_FOUND, errorMessage } };
}
