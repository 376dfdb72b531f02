// Fields of what nodes say to each other of clients' requests: what several kinds of them have.

import type { ByteReader, ByteWriter } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { logIndex, term } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import type { Told } from "./told.ts";

export function writeChoice<T>(writer: ByteWriter, choices: readonly T[], choice: T): void {
  writer.u8(choices.indexOf(choice));
}

export function readChoice<T>(reader: ByteReader, choices: readonly T[]): T {
  const which = reader.u8();
  const choice = choices[which];
  if (choice === undefined) throw corruption(`${reader.what}: the unknown choice ${which} at offset ${reader.at - 1}`);
  return choice;
}

export function readCount(reader: ByteReader, least: number, most: number): number {
  const value = reader.varint();
  if (value < least || value > most) throw corruption(`${reader.what}: ${value} before offset ${reader.at}`);
  return value;
}

export function readBlock(reader: ByteReader, least: number, most: number): Uint8Array {
  const bytes = reader.block();
  if (bytes.length < least || bytes.length > most) {
    throw corruption(`${reader.what}: ${bytes.length} bytes before offset ${reader.at}`);
  }
  return bytes;
}

export function writeOptional<T>(
  writer: ByteWriter,
  value: T | undefined,
  write: (writer: ByteWriter, value: T) => void,
): void {
  writer.u8(value === undefined ? 0 : 1);
  if (value !== undefined) write(writer, value);
}

export function readOptional<T>(reader: ByteReader, read: (reader: ByteReader) => T): T | undefined {
  return reader.u8() === 0 ? undefined : read(reader);
}

export function writeVersion(writer: ByteWriter, version: Version): void {
  writer.varint(version.term).varint(version.index);
}

export function readVersion(reader: ByteReader): Version {
  return { term: term(reader.varint()), index: logIndex(reader.varint()) };
}

export function writeTold(writer: ByteWriter, { committed, newest }: Told): void {
  writeVersion(writer, newest);
  writeOptional(writer, committed, writeVersion);
}

export function readTold(reader: ByteReader): Told {
  const newest = readVersion(reader);
  return { newest, committed: readOptional(reader, readVersion) };
}
