// As much of JSON Schema as the OpenAPI document uses, and not a keyword more: an unknown one is a fault of the document.

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type Fields = Readonly<Record<string, Json>>;

const words = new Set(["description", "format", "default"]);

/** What is wrong with the value, or nothing. `resolve` finds what a `$ref` names. */
export function schemaFaults(
  schema: Json,
  value: unknown,
  resolve: (ref: string) => Json,
  at = "$",
): readonly string[] {
  const faults: string[] = [];
  for (const [keyword, wanted] of Object.entries(schema as Fields)) {
    if (words.has(keyword)) continue;
    faults.push(...faultsOf(keyword, wanted, { schema: schema as Fields, value, resolve, at }));
  }
  return faults;
}

interface Place {
  readonly schema: Fields;
  readonly value: unknown;
  readonly resolve: (ref: string) => Json;
  readonly at: string;
}

function faultsOf(keyword: string, wanted: Json, { schema, value, resolve, at }: Place): readonly string[] {
  const shown = `${at}: ${JSON.stringify(value)}`;
  switch (keyword) {
    case "$ref":
      return schemaFaults(resolve(wanted as string), value, resolve, at);
    case "type": {
      const types = Array.isArray(wanted) ? (wanted as readonly string[]) : [wanted as string];
      return types.some((type) => isOf(type, value)) ? [] : [`${shown} is no ${types.join(" or ")}`];
    }
    case "enum":
      return (wanted as readonly Json[]).includes(value as Json)
        ? []
        : [`${shown} is none of ${JSON.stringify(wanted)}`];
    case "const":
      return value === wanted ? [] : [`${shown} is not ${JSON.stringify(wanted)}`];
    case "pattern":
      return typeof value !== "string" || new RegExp(wanted as string).test(value)
        ? []
        : [`${shown} is not ${wanted as string}`];
    case "minimum":
      return typeof value !== "number" || value >= (wanted as number) ? [] : [`${shown} is too small`];
    case "maximum":
      return typeof value !== "number" || value <= (wanted as number) ? [] : [`${shown} is too great`];
    case "items":
      return Array.isArray(value) ? value.flatMap((item, n) => schemaFaults(wanted, item, resolve, `${at}[${n}]`)) : [];
    case "oneOf": {
      const fits = (wanted as readonly Json[]).filter((one) => schemaFaults(one, value, resolve, at).length === 0);
      return fits.length === 1 ? [] : [`${shown} fits ${fits.length} of the alternatives`];
    }
    case "properties":
      return Object.entries(wanted as Fields).flatMap(([name, of]) =>
        isOf("object", value) && Object.hasOwn(value as object, name)
          ? schemaFaults(of, (value as Record<string, unknown>)[name], resolve, `${at}.${name}`)
          : [],
      );
    case "required":
      return (wanted as readonly string[])
        .filter((name) => isOf("object", value) && !Object.hasOwn(value as object, name))
        .map((name) => `${at} has no ${name}`);
    case "additionalProperties":
      return Object.keys(isOf("object", value) ? (value as object) : {})
        .filter((name) => !Object.hasOwn(schema["properties"] as Fields, name))
        .map((name) => `${at} has ${name}, which nobody announced`);
    default:
      return [`${at}: the keyword ${keyword} is not known here`];
  }
}

function isOf(type: string, value: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  if (type === "integer") return Number.isSafeInteger(value);
  return typeof value === type;
}
