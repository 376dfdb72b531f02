// What a setting is. A schema is a record of them under the names of their flags; from one schema come flags, environment,
// file, defaults, help and the page of the documentation, so that none of them knows a setting that another does not.

/** How a value is written: parsed and printed; print(parse(text)) parses to the same value. */
export interface Kind<Value> {
  /** What stands behind the flag in help, as `DURATION`; empty: a switch, which takes no value. */
  readonly placeholder: string;
  /** What is taken of all that can be written so, in words; undefined: all of it. */
  readonly bounds?: string;
  /** Of text that is no such value, in words that say what to write. */
  parse(text: string): Parsed<Value>;
  print(value: Value): string;
}

export type Parsed<Value> = { readonly value: Value } | { readonly fault: string };

export interface Setting<Value> {
  readonly kind: Kind<Value>;
  /** As it would be written. */
  readonly preset: string | undefined;
  /** One sentence. */
  readonly help: string;
  /** It must be given: no default is right. */
  readonly isRequired: boolean;
  /** Comes from a file that TREFOIL_<NAME>_FILE names, and is never printed. */
  readonly isSecret: boolean;
}

export type Schema = Readonly<Record<string, Setting<unknown>>>;

/** The values of a schema under its flags; undefined: not given, and without a default. */
export type Values<S extends Schema> = {
  readonly [Flag in keyof S]: S[Flag] extends PresetSetting<infer Value>
    ? Value
    : S[Flag] extends Setting<infer Value>
      ? Value | undefined
      : never;
};

/** One that always has a value, for it has a default or must be given. */
export type PresetSetting<Value> = Setting<Value> & { readonly alwaysHasValue: true };

export function setting<Value>(kind: Kind<Value>, preset: string, help: string): PresetSetting<Value> {
  return { kind, preset, help, isRequired: false, isSecret: false, alwaysHasValue: true };
}

export function required<Value>(kind: Kind<Value>, help: string): PresetSetting<Value> {
  return { kind, preset: undefined, help, isRequired: true, isSecret: false, alwaysHasValue: true };
}

export function optional<Value>(kind: Kind<Value>, help: string): Setting<Value> {
  return { kind, preset: undefined, help, isRequired: false, isSecret: false };
}

export function secret(kind: Kind<string>, help: string): Setting<string> {
  return { ...optional(kind, help), isSecret: true };
}

/** `max-value-bytes` is TREFOIL_MAX_VALUE_BYTES. */
export const variableOf = (flag: string): string => `${variablePrefix}${flag.replaceAll("-", "_").toUpperCase()}`;
export const variablePrefix = "TREFOIL_";
