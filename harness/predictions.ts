/**
 * Predictions per sample: subject-level, so they go to the private cache and nowhere else. The record
 * holds their hash, so that two runs can be compared without sharing them.
 */
import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { EventStore } from "../core/event-store.ts";
import { formatInstant } from "../core/time.ts";
import { type Database, sqlText } from "../Dataset/duckdb.ts";
import { privateFolder } from "./cache.ts";
import type { Prepared } from "./prepare.ts";

/** Lines written at a time. */
const BLOCK = 20_000;

type Probabilities = Readonly<Record<"tuning" | "held_out", Float32Array>>;

const fileOf = (cacheDir: string, runId: string) =>
  join(cacheDir, "predictions", `${runId}.parquet`);

/** SHA-256 over the bytes of the held-out probabilities in the order of the samples. */
export function predictionsHash({ held_out }: Pick<Probabilities, "held_out">): string {
  const bytes = new Uint8Array(held_out.buffer, held_out.byteOffset, held_out.byteLength);
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Writes `<cache>/predictions/<run id>.parquet`, one row a sample and class: subject_id,
 * prediction_time, split, class, label, score.
 */
export async function writePredictions(
  store: EventStore,
  cacheDir: string,
  runId: string,
  prepared: Prepared,
  probabilities: Probabilities,
): Promise<string> {
  const folder = privateFolder(join(cacheDir, "predictions"));
  const staged = join(folder, `.${runId}.${process.pid}.csv`);
  const file = fileOf(cacheDir, runId);
  try {
    writeCsv(staged, prepared, probabilities);
    await store.write(
      `SELECT subject_id, prediction_time, split, class, label, score::FLOAT AS score
       FROM read_csv('${staged.replaceAll("'", "''")}', header = true, columns = {
         'subject_id': 'BIGINT', 'prediction_time': 'TIMESTAMP', 'split': 'VARCHAR', 'class': 'VARCHAR',
         'label': 'BOOLEAN', 'score': 'DOUBLE'})`,
      file,
    );
  } finally {
    rmSync(staged, { force: true });
  }
  return file;
}

/** Lines are written in blocks: a large source has millions of them. */
function writeCsv(file: string, { labels, sources }: Prepared, probabilities: Probabilities): void {
  const { classes } = labels.spec;
  const quoted = classes.map((name) => `"${name.replaceAll('"', '""')}"`);
  const out = openSync(file, "wx", 0o600);
  try {
    let lines = ["subject_id,prediction_time,split,class,label,score"];
    for (const split of ["tuning", "held_out"] as const) {
      for (const [sample, i] of sources[split].samples.entries()) {
        const who = `${labels.subject[i]},${formatInstant(labels.predictionTime[i] as number)},${split}`;
        for (const [c, name] of quoted.entries()) {
          const at = c + classes.length * sample;
          const label = labels.value[i * classes.length + c] === 1;
          lines.push(`${who},${name},${label},${probabilities[split][at]}`);
        }
        if (lines.length < BLOCK) continue;
        writeSync(out, `${lines.join("\n")}\n`);
        lines = [];
      }
    }
    if (lines.length > 0) writeSync(out, `${lines.join("\n")}\n`);
  } finally {
    closeSync(out);
  }
}

/** The held-out predictions that a run kept, in the order of its samples. Of subjects: they stay in the process. */
export interface HeldOut {
  readonly classes: readonly string[]; // [C]
  readonly subjects: Float64Array; // [S]
  readonly predictionTime: Float64Array; // [S] µs
  readonly labels: Uint8Array; // [S × C]
  readonly probabilities: Float32Array; // [S × C]
}

/** What a run kept; undefined where the cache has nothing of it. @throws BenchError when the file cannot be read. */
export async function readHeldOut(
  db: Database,
  cacheDir: string,
  runId: string,
): Promise<HeldOut | undefined> {
  const file = fileOf(cacheDir, runId);
  if (!existsSync(file)) return undefined;
  const rows = `read_parquet(${sqlText(file)}, file_row_number = true) WHERE split = 'held_out'`;
  const named = await db.query(
    `SELECT class FROM ${rows} GROUP BY class ORDER BY min(file_row_number)`,
  );
  const classes = named.strings("class").map((name) => name ?? "");
  const found = await db.query(
    `SELECT subject_id, prediction_time, label, score FROM ${rows} ORDER BY file_row_number`,
  );
  const ofSample = (name: string) =>
    Float64Array.from(found.numbers(name)).filter((_, i) => i % classes.length === 0);
  return {
    classes,
    subjects: ofSample("subject_id"),
    predictionTime: ofSample("prediction_time"),
    labels: Uint8Array.from(found.numbers("label")),
    probabilities: Float32Array.from(found.numbers("score")),
  };
}
