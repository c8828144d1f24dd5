/** Where raw files come from: the open demo, a synthetic twin or the real source, and of which release. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { DatasetDefinition } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import {
  ORDER_TRUTH_FILES,
  type Source,
  SYNTHETIC_MARKER,
  type SyntheticOrigin,
  TRUTH_FILE,
} from "../core/event-store.ts";
import { type Database, sqlName, sqlText } from "./duckdb.ts";
import { storeTable } from "./store-layout.ts";
import type { OrderTruthFiles } from "./true-orders.ts";

/** Files that only a synthetic root has. */
export interface SyntheticFiles {
  readonly marker: string;
  readonly truth: string;
  /** Missing in twins of older versions, which are the same otherwise. */
  readonly orders?: OrderTruthFiles;
}

/**
 * The marker and truth files of a synthetic root; undefined in any other root.
 * @throws BenchError when only one of the two is there, since made-up data must never pass as real.
 */
export function findSynthetic(root: string): SyntheticFiles | undefined {
  const names = readdirSync(root);
  const marker = join(root, SYNTHETIC_MARKER);
  const truth = join(root, TRUTH_FILE);
  if (names.includes(SYNTHETIC_MARKER) && existsSync(truth)) {
    return { marker, truth, ...findOrderTruth(root, names) };
  }
  if (!names.includes(SYNTHETIC_MARKER) && !existsSync(truth)) return undefined;
  throw new BenchError({
    what: `${names.includes(SYNTHETIC_MARKER) ? TRUTH_FILE : SYNTHETIC_MARKER} is missing`,
    where: root,
    fix: "generate the synthetic data again; a folder with one of the two files is incomplete",
  });
}

/** @throws BenchError when only one of the two files is there. */
function findOrderTruth(root: string, names: readonly string[]): Pick<SyntheticFiles, "orders"> {
  const missing = Object.values(ORDER_TRUTH_FILES).filter((name) => !names.includes(name));
  if (missing.length === 2) return {};
  if (missing.length === 0) {
    const { orders, products } = ORDER_TRUTH_FILES;
    return { orders: { orders: join(root, orders), products: join(root, products) } };
  }
  throw new BenchError({
    what: `${missing[0]} is missing`,
    where: root,
    fix: "generate the synthetic data again; a folder with one of the two files on orders is incomplete",
  });
}

const marker = z.object({
  generator_version: z.int().positive(),
  release: z.string(),
  subjects: z.int().positive(),
  seed: z.int(),
  structure: z.string(),
});

/** What the marker of a synthetic root says. @throws BenchError when it says something else. */
function readMarker(file: string): z.infer<typeof marker> {
  try {
    return marker.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (cause) {
    throw new BenchError({
      what: "the marker of the synthetic data cannot be read",
      where: file,
      fix: "generate the synthetic data again (medtok-bench synth)",
      cause,
    });
  }
}

const medsRelease = z.object({
  dataset_name: z.string().nullish(),
  dataset_version: z.string().nullish(),
});

/** What the release's own file calls it; undefined where there is no such file. */
function readRelease(definition: DatasetDefinition, root: string): string | undefined {
  const file = join(root, definition.releaseFile ?? "");
  if (definition.releaseFile === undefined || !existsSync(file)) return undefined;
  try {
    const found = medsRelease.parse(JSON.parse(readFileSync(file, "utf8")));
    const name = [found.dataset_name, found.dataset_version].filter(Boolean).join(" ");
    return name === "" ? undefined : name;
  } catch (cause) {
    throw new BenchError({
      what: "the file that names the release cannot be read",
      where: file,
      fix: "restore it, or remove it if the dataset has none",
      cause,
    });
  }
}

/** Source and release, from the marker, the subjects' ids or the published sizes. Needs subjects and visits. */
export async function describeRelease(
  db: Database,
  definition: DatasetDefinition,
  synthetic: SyntheticFiles | undefined,
  root: string,
): Promise<{ source: Source; release: string; synthetic: SyntheticOrigin | null }> {
  if (synthetic !== undefined) {
    const { release, ...origin } = readMarker(synthetic.marker);
    return { source: "synthetic", release, synthetic: origin };
  }
  const found = await db.query(`
    SELECT
      (SELECT sha256(string_agg(CAST(subject_id AS VARCHAR), ',' ORDER BY subject_id)) FROM subjects) AS ids,
      (SELECT count(*) FROM subjects) AS subjects,
      (SELECT count(*) FROM visits) AS visits`);
  if (
    definition.demoSubjectsHash !== undefined &&
    found.strings("ids")[0] === definition.demoSubjectsHash
  ) {
    return { source: "demo", release: definition.demoRelease ?? "unknown", synthetic: null };
  }
  const [subjects, visits] = [found.numbers("subjects")[0], found.numbers("visits")[0]];
  const size = definition.releaseSizes?.find((s) => s.subjects === subjects && s.visits === visits);
  const named = readRelease(definition, root);
  return { source: "real", release: size?.release ?? named ?? "unknown", synthetic: null };
}

/** Copies the true risks of a synthetic root into the store; every column but the two ids is an outcome. */
export async function writeTrueRisk(
  db: Database,
  synthetic: SyntheticFiles,
  folder: string,
): Promise<void> {
  const read = `read_csv(${sqlText(synthetic.truth)}, header = true, all_varchar = true)`;
  const { names } = await db.query(`SELECT * FROM ${read} LIMIT 0`);
  const outcomes = names.filter((name) => name !== "subject_id" && name !== "hadm_id");
  const columns = outcomes.map((name) => `CAST(${sqlName(name)} AS DOUBLE) AS ${sqlName(name)}`);
  await db.write(
    `SELECT CAST(subject_id AS BIGINT) AS subject_id, CAST(hadm_id AS BIGINT) AS visit_id,
       ${columns.join(", ")} FROM ${read} ORDER BY subject_id, visit_id`,
    join(folder, storeTable("true_risk").file),
  );
}
