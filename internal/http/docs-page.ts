// `/-/docs`: the OpenAPI document as one page that loads nothing: routes, then every error code under the anchor that the `type`
// of problem documents names.

import { errorCodes } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { pageStyle } from "./help-page.ts";
import { openApi } from "./openapi.ts";
import { headers, parameters } from "./openapi-parts.ts";
import type { Json } from "./openapi-parts.ts";
import { problemTitles } from "./problem.ts";

type Fields = Readonly<Record<string, Json>>;

let made: string | undefined;

export function docsPage(): string {
  made ??= page();
  return made;
}

function page(): string {
  const { info, paths } = openApi() as { readonly info: Fields; readonly paths: Readonly<Record<string, Fields>> };
  const routes = Object.entries(paths).map(([path, operations]) => routeSection(path, operations));
  return [
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
    `<title>Trefoil: the HTTP interface</title><style>${pageStyle}</style><main>`,
    `<h1>Trefoil: the HTTP interface</h1><p>${escaped(info["description"] as string)}</p>`,
    `<p>The same for programs: <a href="/-/openapi.json">/-/openapi.json</a></p>`,
    `<h2>Routes</h2>${routes.join("\n")}`,
    `<h2>Answer headers</h2>${rows(Object.entries(headers).map(([name, header]) => [code(name), words(header)]))}`,
    `<h2>Errors</h2><p>Every failure is <code>application/problem+json</code> with one of these codes.</p>${errors()}`,
    `</main></html>`,
    "",
  ].join("\n");
}

function routeSection(path: string, operations: Fields): string {
  const sections = Object.entries(operations).map(([method, operation]) =>
    operationSection(method, operation as Fields),
  );
  return `<h3>${code(path)}</h3>${sections.join("")}`;
}

function operationSection(method: string, operation: Fields): string {
  const taken = (operation["parameters"] as readonly Fields[]).map(({ $ref }) => parameterRow($ref as string));
  const given = Object.entries(operation["responses"] as Fields).map(([status, answer]) => [
    code(status),
    words(answer),
  ]);
  const heading = `<h4>${code(method.toUpperCase())} ${escaped(operation["summary"] as string)}</h4>`;
  return `${heading}${rows(taken)}${rows(given)}`;
}

function parameterRow(reference: string): readonly string[] {
  const parameter = parameters[reference.slice(reference.lastIndexOf("/") + 1)] as Fields;
  return [`${code(parameter["name"] as string)} (${parameter["in"] as string})`, words(parameter)];
}

function errors(): string {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  const lines = codes.map((name) => {
    const { httpStatus, retryable } = errorCodes[name];
    const retry = retryable ? "yes" : "no";
    return `<tr id="${name}"><td>${code(name)}</td><td>${httpStatus}</td><td>${retry}</td><td>${problemTitles[name]}</td></tr>`;
  });
  return `<table><tr><th>code</th><th>status</th><th>retry</th><th></th></tr>${lines.join("")}</table>`;
}

function rows(cells: readonly (readonly string[])[]): string {
  return `<table>${cells.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("")}</table>`;
}

function words(described: Json): string {
  return escaped((described as Fields)["description"] as string);
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
