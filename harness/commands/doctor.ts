/** `doctor`: looks at Node, the engine, the cache and the configured data; changes nothing but a missing cache folder. */
import { statfsSync } from "node:fs";
import { availableParallelism, freemem, totalmem } from "node:os";
import { BenchError } from "../../core/errors.ts";
import { duckdbVersion } from "../../Dataset/duckdb.ts";
import { datasets } from "../../Dataset/index.ts";
import { twinLayouts } from "../../Dataset/synthetic/index.ts";
import { runtimeVersion } from "../../engine/onnxruntime.ts";
import { installedTfjs, TFJS_PACKAGES } from "../../engine/tfjs.ts";
import { cacheFolder } from "../cache.ts";
import { defineCommand } from "../command.ts";
import { configuredRoot } from "../open-dataset.ts";
import { print, table } from "../output.ts";
import { harnessVersion } from "../version.ts";

interface Check {
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
  readonly fix: string;
  /** Nothing runs without it. */
  readonly isNeeded?: true;
}

/** What a check finds, also where it is a mistake that would end any other command. */
function finding(check: string, look: () => Check, more: Pick<Check, "isNeeded"> = {}): Check {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof BenchError)) throw error;
    const where = error.where === undefined ? "" : `${error.where}: `;
    return { check, ok: false, found: `${where}${error.message}`, fix: error.fix, ...more };
  }
}

export const doctorCommand = defineCommand({
  name: "doctor",
  describe: "What this machine can do, and what is missing for what",
  examples: [["doctor", "check Node, the engine, DuckDB, the cache and the configured data"]],
  options: {
    "cache-dir": { type: "string", describe: "private cache to check" },
  },
  async run({ json, "cache-dir": cacheDir }) {
    const checks: Check[] = [
      nodeCheck(),
      engineCheck(),
      tfjsCheck(),
      { check: "tables", ok: true, found: `DuckDB ${duckdbVersion()}`, fix: "" },
      { check: "processors", ok: true, found: `${availableParallelism()} usable`, fix: "" },
      memoryCheck(),
      finding("private cache", () => cacheCheck(cacheDir), { isNeeded: true }),
      ...datasets.names.map((name) => finding(`${name} files`, () => dataCheck(name))),
    ];
    print(json, { version: harnessVersion(), checks }, () =>
      table(
        ["", "check", "found", "what to do"],
        checks.map((c) => [c.ok ? "ok" : "--", c.check, c.found, c.fix]),
      ),
    );
    if (checks.some(({ ok, isNeeded }) => !ok && isNeeded)) {
      throw new BenchError({
        what: "this machine cannot run the benchmark yet",
        fix: "see the lines marked --",
      });
    }
  },
});

function nodeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  return {
    check: "Node",
    ok,
    found: process.versions.node,
    fix: ok ? "" : "install Node 20.19 or later",
    isNeeded: true,
  };
}

function engineCheck(): Check {
  const runtime = runtimeVersion();
  return runtime === null
    ? {
        check: "tensor engine",
        ok: false,
        found: "onnxruntime-node is not installed",
        fix: "npm install --onnxruntime-node-install=skip",
        isNeeded: true,
      }
    : { check: "tensor engine", ok: true, found: `${runtime.name} ${runtime.version}`, fix: "" };
}

/** Not having it is no fault: nothing needs it. */
function tfjsCheck(): Check {
  const found = installedTfjs().map(({ name, version }) => `${name} ${version}`);
  const fix =
    found.length > 0 ? "" : `optional: npm install ${TFJS_PACKAGES[1]} and run --runtime tfjs`;
  return { check: "second runtime", ok: true, found: found.join(", ") || "none installed", fix };
}

function memoryCheck(): Check {
  const gib = (bytes: number) => (bytes / 2 ** 30).toFixed(1);
  const ok = totalmem() > 4 * 2 ** 30;
  const fix = ok ? "" : "large sources want 4 GiB; lower --memory";
  return { check: "memory", ok, found: `${gib(freemem())} of ${gib(totalmem())} GiB free`, fix };
}

function cacheCheck(flag: string | undefined): Check {
  const folder = cacheFolder(flag);
  const { bavail, bsize } = statfsSync(folder);
  const gib = (bavail * bsize) / 2 ** 30;
  const ok = gib > 10;
  const fix = ok
    ? ""
    : "a full MIMIC-IV store and its sorting want about 10 GiB; use --cache-dir elsewhere";
  return { check: "private cache", ok, found: `${folder}, ${gib.toFixed(0)} GiB free`, fix };
}

/** No files is no fault: of some sources a synthetic twin stands in. */
function dataCheck(dataset: string): Check {
  const root = configuredRoot(dataset);
  return root === undefined
    ? {
        check: `${dataset} files`,
        ok: true,
        found: twinLayouts.some((layout) => layout === dataset)
          ? "none configured; a synthetic twin stands in"
          : "none configured; there is no synthetic twin of it",
        fix: `set MEDTOK_BENCH_${dataset.toUpperCase()} or give --root`,
      }
    : { check: `${dataset} files`, ok: true, found: root, fix: "" };
}
