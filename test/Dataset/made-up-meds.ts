/** Tiny made-up MEDS datasets: rows and SELECTs written as parquet. */
import { join } from "node:path";
import type { Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import type { EventStore } from "../../core/event-store.ts";
import { Database } from "../../Dataset/duckdb.ts";
import type { IngestOptions } from "../../Dataset/ingest.ts";
import { storeOf } from "./made-up-mimic.ts";

type Options = Partial<IngestOptions>;

/** The store of a root, closed at the end of the test. */
export async function open(
  t: Test,
  dataset: string,
  root: string,
  options: Options = {},
): Promise<EventStore> {
  const cacheDir = join(t.testdirName, `${dataset}-cache`);
  const store = await storeOf(dataset, root, { cacheDir, ...options });
  t.teardown(() => store.close());
  return store;
}

/** A MEDS root from SELECTs, by path. */
export async function rootOf(t: Test, files: Readonly<Record<string, string>>): Promise<string> {
  const root = join(t.testdir({}), "root");
  const db = await Database.open({ threads: 1 });
  for (const [name, select] of Object.entries(files)) {
    await db.write(select, join(root, `${name}.parquet`));
  }
  db.close();
  return root;
}

export type Line = readonly [
  subject: number,
  time: string | null,
  code: string,
  visit?: number | null,
];

/** SELECT of events. */
export function rows(lines: readonly Line[], visitColumn?: string): string {
  const values = lines.map(([subject, time, code, visit]) => {
    const at = time === null ? "NULL" : `TIMESTAMP '${time}'`;
    return `(${subject}, ${at}, '${code}', ${visit ?? "NULL"})`;
  });
  const visit = visitColumn === undefined ? "" : `, CAST(v AS BIGINT) AS ${visitColumn}`;
  return `SELECT CAST(s AS BIGINT) AS subject_id, CAST("when" AS TIMESTAMP) AS time, code${visit}
    FROM (VALUES ${values.join(", ")}) AS rows(s, "when", code, v)`;
}

/** The root cannot be read, for this reason. */
export async function refused(
  t: Test,
  root: string,
  what: RegExp,
  rest: object = {},
  options: Options = {},
) {
  const error = await storeOf("meds", root, options).then(
    (store) => store.close(),
    (e: unknown) => e,
  );
  t.ok(error instanceof BenchError, String(error));
  t.match(error, { message: what, ...rest });
}
