// A proto file as the FileDescriptorProto that reflection tells tools: built from what protobufjs has parsed. Only for files
// like ours: proto3, no imports, no maps, no extensions, no options.

import protobuf from "protobufjs";
import descriptor from "protobufjs/ext/descriptor/index.js";
import { assert } from "../base/assert.ts";
import { parseProto } from "./proto-files.ts";
import type { ProtoFile } from "./proto-files.ts";

export interface DescribedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly services: readonly string[];
  /** Full names of all that the file defines: services, methods, messages, fields, enums, their values. */
  readonly symbols: ReadonlySet<string>;
}

type Fields = Record<string, unknown>;

const label = { optional: 1, repeated: 3 } as const;

const typeNumbers: Readonly<Record<string, number>> = {
  int32: 5,
  bool: 8,
  string: 9,
  bytes: 12,
  uint32: 13,
  uint64: 4,
};
const messageNumber = 11;
const enumNumber = 14;

export function describeFile(file: ProtoFile): DescribedFile {
  const space = parseProto(file, true).lookup(file.packageName);
  assert(space instanceof protobuf.Namespace, "a proto file without its package", { file: file.name });
  const services = space.nestedArray.filter((each) => each instanceof protobuf.Service);
  const symbols = new Set<string>();
  noteSymbols(space, symbols);
  const fields = {
    name: file.name,
    package: file.packageName,
    syntax: "proto3",
    messageType: messagesIn(space),
    enumType: enumsIn(space),
    service: services.map(serviceFields),
  };
  const type = descriptor.FileDescriptorProto;
  const bytes = type.encode(type.fromObject(fields)).finish();
  return { name: file.name, bytes, services: services.map(nameOf), symbols };
}

function messagesIn(space: protobuf.NamespaceBase): Fields[] {
  return space.nestedArray.filter((each) => each instanceof protobuf.Type).map(messageFields);
}

function enumsIn(space: protobuf.NamespaceBase): Fields[] {
  return space.nestedArray.filter((each) => each instanceof protobuf.Enum).map(enumFields);
}

function messageFields(type: protobuf.Type): Fields {
  // Those that stand for an optional field alone come last.
  const oneofs = type.oneofsArray.toSorted((a, b) => Number(a.isProto3Optional) - Number(b.isProto3Optional));
  return {
    name: type.name,
    field: type.fieldsArray.map((field) => fieldFields(field.resolve(), oneofs)),
    oneofDecl: oneofs.map(({ name }) => ({ name })),
    nestedType: messagesIn(type),
    enumType: enumsIn(type),
  };
}

function fieldFields(field: protobuf.Field, oneofs: readonly protobuf.OneOf[]): Fields {
  const { resolvedType, partOf } = field;
  const type =
    resolvedType === null
      ? { type: numberOf(field) }
      : {
          type: resolvedType instanceof protobuf.Enum ? enumNumber : messageNumber,
          typeName: resolvedType.fullName,
        };
  return {
    name: field.name,
    number: field.id,
    label: field.repeated ? label.repeated : label.optional,
    jsonName: protobuf.util.camelCase(field.name),
    ...type,
    ...(partOf === null ? {} : { oneofIndex: oneofs.indexOf(partOf) }),
    ...(partOf?.isProto3Optional === true ? { proto3Optional: true } : {}),
  };
}

function numberOf({ type, fullName }: protobuf.Field): number {
  const number = typeNumbers[type];
  assert(number !== undefined, "a field of a type that is not described yet", { field: fullName, type });
  return number;
}

function enumFields(type: protobuf.Enum): Fields {
  return {
    name: type.name,
    value: Object.entries(type.values).map(([name, number]) => ({ name, number })),
    reservedRange: reservedIn(type),
  };
}

/** Both ends belong to it. */
function reservedIn(type: protobuf.Enum): Fields[] {
  const ranges = (type.reserved ?? []).filter((each) => typeof each !== "string");
  return ranges.map(([start, end]) => ({ start, end }));
}

function serviceFields(service: protobuf.Service): Fields {
  const method = service.methodsArray.map((each) => {
    each.resolve();
    const { name, requestStream, responseStream, resolvedRequestType, resolvedResponseType } = each;
    return {
      name,
      inputType: resolvedRequestType?.fullName,
      outputType: resolvedResponseType?.fullName,
      ...(requestStream === true ? { clientStreaming: true } : {}),
      ...(responseStream === true ? { serverStreaming: true } : {}),
    };
  });
  return { name: service.name, method };
}

function noteSymbols(space: protobuf.NamespaceBase, symbols: Set<string>): void {
  for (const each of space.nestedArray) {
    const name = nameOf(each);
    symbols.add(name);
    if (each instanceof protobuf.Type) for (const field of each.fieldsArray) symbols.add(nameOf(field));
    if (each instanceof protobuf.Service) for (const method of each.methodsArray) symbols.add(nameOf(method));
    // Values of an enum are named beside it, not in it.
    if (each instanceof protobuf.Enum) {
      const beside = name.slice(0, name.lastIndexOf(".") + 1);
      for (const value of Object.keys(each.values)) symbols.add(`${beside}${value}`);
    }
    if (each instanceof protobuf.Namespace) noteSymbols(each, symbols);
  }
}

/** Without the dot before it. */
function nameOf({ fullName }: protobuf.ReflectionObject): string {
  return fullName.slice(1);
}
