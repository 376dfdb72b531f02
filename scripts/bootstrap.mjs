// From a fresh clone to a running script, with nothing but Node.
//
//   node scripts/bootstrap.mjs [node options] [module] [arguments]
//
// Installs when package-lock.json is not the one that was installed last, builds what changed, and then runs
// dist/<module>.js with the arguments. Every `npm run` of the project that needs compiled code goes through here, so that
// none of them ever runs what an earlier state of the sources left behind: outputs whose source is gone are removed, and
// outputs that somebody removed are built again. Plain JavaScript without dependencies, since it runs before either exists.

import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sourceFolders = ["cmd", "internal", "scripts", "test"];
const outputFolder = path.join(root, "dist");
const buildInfo = path.join(outputFolder, ".tsbuildinfo");
const installStamp = path.join(root, "node_modules", ".trefoil-installed");
const firstSignMilliseconds = 2000;
const signMillisecondsMax = 15_000;
const outputEndings = [".d.ts", ".js.map", ".js"];

/** Runs one step and prints its line; a step that throws ends the process with what it said. */
async function step(name, run) {
  const started = performance.now();
  let outcome;
  try {
    outcome = await run();
  } catch (error) {
    console.log(`✖ ${name}`);
    console.error(error.message);
    process.exit(1);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`✔ ${name.padEnd(10)} ${seconds.padStart(6)} s  ${outcome}`);
}

/** Oldest Node that will do, as package.json says: `"node": ">=20.19"`. */
function checkNode() {
  const { engines } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  const [major, minor] = engines.node.replace(">=", "").split(".").map(Number);
  const [ownMajor, ownMinor] = process.versions.node.split(".").map(Number);
  if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return;
  console.error(`Trefoil needs Node ${engines.node}; this is ${process.version}.`);
  process.exit(1);
}

function runNode(parameters, options) {
  const result = spawnSync(process.execPath, parameters, { cwd: root, ...options });
  if (result.error !== undefined) throw result.error;
  return result;
}

async function install() {
  const lock = readFileSync(path.join(root, "package-lock.json"));
  const wanted = createHash("sha256").update(lock).update(`${process.platform} ${process.arch}`).digest("hex");
  if (existsSync(installStamp) && readFileSync(installStamp, "utf8") === wanted) return "unchanged";
  // The project itself is among them, without a name.
  const count = Object.keys(JSON.parse(lock).packages ?? {}).filter((name) => name !== "").length;
  console.log(`  installing what package-lock.json names: ${count} packages, this once; it may take some minutes`);
  // The compiler is among what is for development: also where somebody has set NODE_ENV=production.
  const parameters = ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"];
  const npm = process.env.npm_execpath;
  const why =
    npm === undefined
      ? await runTelling(process.platform === "win32" ? "npm.cmd" : "npm", parameters)
      : await runTelling(process.execPath, [npm, ...parameters]);
  if (why !== undefined) throw new Error(`npm ci failed: ${why}`);
  writeFileSync(installStamp, wanted);
  return "installed";
}

/** Says now and then that it goes on, which npm does on a terminal only. Resolves with what went wrong. */
function runTelling(command, parameters) {
  return new Promise((resolve) => {
    const started = performance.now();
    let pause = firstSignMilliseconds;
    let timer;
    const tellLater = () => {
      timer = setTimeout(() => {
        console.log(`  still installing, after ${Math.round((performance.now() - started) / 1000)} s`);
        pause = Math.min(signMillisecondsMax, 2 * pause);
        tellLater();
      }, pause);
    };
    tellLater();
    const end = (why) => {
      clearTimeout(timer);
      resolve(why);
    };
    const child = spawn(command, parameters, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
    child.once("error", (error) => end(error.message));
    child.once("close", (code, signal) => end(code === 0 ? undefined : signal === null ? `exit code ${code}` : signal));
  });
}

function filesUnder(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function removeEmptyFolders(folder) {
  let at = folder;
  while (at !== outputFolder && readdirSync(at).length === 0) {
    rmdirSync(at);
    at = path.dirname(at);
  }
}

/** Removes every output that has no source any more. Answers how many, and how many outputs are missing. */
function sweepOutputs() {
  const sources = sourceFolders
    .flatMap((folder) => filesUnder(path.join(root, folder)))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"));
  const stems = new Set(sources.map((file) => path.relative(root, file).slice(0, -".ts".length)));
  let built = 0;
  let removed = 0;
  for (const file of sourceFolders.flatMap((folder) => filesUnder(path.join(outputFolder, folder)))) {
    const ending = outputEndings.find((candidate) => file.endsWith(candidate)) ?? "";
    const stem = path.relative(outputFolder, file.slice(0, file.length - ending.length));
    if (stems.has(stem)) {
      if (ending === ".js") built++;
    } else {
      rmSync(file);
      removeEmptyFolders(path.dirname(file));
      removed++;
    }
  }
  return { removed, missing: stems.size - built };
}

function build() {
  mkdirSync(outputFolder, { recursive: true });
  const { removed, missing } = sweepOutputs();
  // The compiler remembers what it has written; when an output is gone all the same, it has to forget.
  if (missing > 0) rmSync(buildInfo, { force: true });
  const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
  const result = runNode([compiler, "-p", "tsconfig.json"], { encoding: "utf8", maxBuffer: 64 << 20 });
  if (result.status !== 0) throw new Error(`${result.stdout}${result.stderr}`.trimEnd());
  return removed > 0 ? `types checked, ${removed} outputs without a source removed` : "types checked";
}

async function main(parameters) {
  checkNode();
  await step("install", install);
  await step("build", build);
  const moduleAt = parameters.findIndex((parameter) => !parameter.startsWith("--"));
  if (moduleAt < 0) return;
  const file = path.join(outputFolder, `${parameters[moduleAt]}.js`);
  if (!existsSync(file)) {
    console.error(`${path.relative(root, file)} does not exist: which module is meant?`);
    process.exit(1);
  }
  const result = runNode([...parameters.slice(0, moduleAt), file, ...parameters.slice(moduleAt + 1)], {
    stdio: "inherit",
  });
  process.exit(result.status ?? 1);
}

await main(process.argv.slice(2));
