// What the documents say must be so: their links lead somewhere, the commands that they show exist, the paths that a README
// names are there, and each folder of a floor has a README.

import path from "node:path";
import { finding, lineAt, type Finding, type SourceFile } from "./finding.ts";

export interface Project {
  readonly files: readonly SourceFile[];
  /** The scripts of package.json: name and command. */
  readonly scripts: ReadonlyMap<string, string>;
}

/** Documents are named by links, which are checked as links. */
const pathFolders = ["internal", "cmd", "scripts", "test", "proto", "deploy"];

export function checkDocuments(project: Project): Finding[] {
  const documents = project.files.filter((file) => file.path.endsWith(".md"));
  const known = knownPaths(project.files);
  return [
    ...documents.flatMap((file) => [
      ...checkLinks(file, documents, known),
      ...checkCommands(file, project),
      ...(path.basename(file.path) === "README.md" ? checkPaths(file, known) : []),
    ]),
    ...project.files.filter((file) => file.path === ".ci/run").flatMap((file) => checkCommands(file, project)),
    ...checkReadmes(project.files),
    ...checkScripts(project, known),
  ];
}

/** Every file, and every folder with a file in it. */
function knownPaths(files: readonly SourceFile[]): Set<string> {
  const known = new Set<string>();
  for (const file of files) {
    for (let at = file.path; at !== "."; at = path.posix.dirname(at)) known.add(at);
  }
  return known;
}

function checkLinks(file: SourceFile, documents: readonly SourceFile[], known: ReadonlySet<string>): Finding[] {
  const found: Finding[] = [];
  const text = withoutCode(file.text);
  for (const match of text.matchAll(/\[[^\]]*\]\(([^)\s]+)[^)]*\)/g)) {
    const link = match[1] as string;
    if (/^[a-z]+:/i.test(link)) continue;
    const [target, anchor] = link.split("#", 2) as [string, string | undefined];
    const where =
      target === "" ? file.path : path.posix.normalize(path.posix.join(path.posix.dirname(file.path), target));
    const document = documents.find((candidate) => candidate.path === where);
    const place = where.replace(/\/$/, "");
    if (!known.has(place) || (anchor !== undefined && document !== undefined && !headings(document.text).has(anchor))) {
      found.push(finding(file.path, lineAt(text, match.index), `the link ${link} leads nowhere`));
    }
  }
  return found;
}

/** The same text with blanks in place of code, so that offsets stay as they are. */
function withoutCode(text: string): string {
  return text.replace(/^```[^]*?^```|`[^`\n]+`/gm, (code) => code.replace(/[^\n]/g, " "));
}

/** The anchors of a document's headings, spelled as code hosts spell them. */
function headings(text: string): Set<string> {
  const lines = [...text.replace(/^```[^]*?^```/gm, "").matchAll(/^#+\s+(.*?)\s*$/gm)];
  return new Set(lines.map((line) => anchorOf(line[1] as string)));
}

function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}\s_-]/gu, "")
    .replace(/\s/g, "-");
}

function checkCommands(file: SourceFile, project: Project): Finding[] {
  const found: Finding[] = [];
  for (const match of file.text.matchAll(/\bnpm (?:run ([\w:.-]*\w)|(test|start)\b)/g)) {
    const script = (match[1] ?? match[2]) as string;
    if (project.scripts.has(script)) continue;
    found.push(finding(file.path, lineAt(file.text, match.index), `package.json has no script ${script}`));
  }
  for (const match of file.text.matchAll(/\bnpx trefoil ([a-z][\w-]*)/g)) {
    const command = match[1] as string;
    if (hasCommand(project.files, command)) continue;
    found.push(finding(file.path, lineAt(file.text, match.index), `cmd/trefoil has no command ${command}`));
  }
  return found;
}

function hasCommand(files: readonly SourceFile[], command: string): boolean {
  const named = new RegExp(`["'\`]${command}[\\s"'\`]`);
  return files.some((file) => file.path.startsWith("cmd/trefoil/") && named.test(file.text));
}

/** Paths in backticks: `internal/log/segment.ts`. Patterns and placeholders are left alone. */
function checkPaths(file: SourceFile, known: ReadonlySet<string>): Finding[] {
  const found: Finding[] = [];
  for (const match of file.text.matchAll(/`([\w.-]+\/[\w./-]*)`/g)) {
    const named = (match[1] as string).replace(/\/$/, "");
    if (!pathFolders.includes(named.split("/")[0] as string) || known.has(named)) continue;
    found.push(finding(file.path, lineAt(file.text, match.index), `there is no ${named}`));
  }
  return found;
}

function checkReadmes(files: readonly SourceFile[]): Finding[] {
  const folders = new Set<string>();
  for (const file of files) {
    const match = /^internal\/[^/]+(?=\/.*\.ts$)/.exec(file.path);
    if (match !== null) folders.add(match[0]);
  }
  const has = (folder: string): boolean => files.some((file) => file.path === `${folder}/README.md`);
  return [...folders].filter((folder) => !has(folder)).map((folder) => finding(folder, 0, "has no README.md"));
}

/** `node scripts/bootstrap.mjs --flag scripts/test` starts scripts/test.ts. */
function checkScripts(project: Project, known: ReadonlySet<string>): Finding[] {
  const found: Finding[] = [];
  for (const [name, command] of project.scripts) {
    const module = /bootstrap\.mjs (?:--\S+ )*([\w/.-]+)/.exec(command)?.[1];
    if (module === undefined || known.has(`${module}.ts`)) continue;
    found.push(finding("package.json", 0, `the script ${name} starts ${module}.ts, which is not there`));
  }
  return found;
}
