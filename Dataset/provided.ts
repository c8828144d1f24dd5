/** What some sources bring with them: splits, which are used as they are, and published labels. */
import type { DatasetDefinition } from "../core/dataset.ts";
import { BenchError } from "../core/errors.ts";
import { type DroppedRows, SPLITS } from "../core/event-store.ts";
import { type Database, sqlText } from "./duckdb.ts";
import { splitSql } from "./splits.ts";

/**
 * Makes the table splits, one row a subject; true when the source's own were used.
 * @throws BenchError when the source's splits miss a subject, name one twice, or use another name.
 */
export async function stageSplits(db: Database, definition: DatasetDefinition): Promise<boolean> {
  await db.run(`
    CREATE TABLE provided_splits AS
    ${definition.splits ?? "SELECT CAST(NULL AS BIGINT) AS subject_id, '' AS split WHERE false"}`);
  const provided = (await db.query("SELECT 1 AS one FROM provided_splits LIMIT 1")).rowCount > 0;
  if (provided) await checkSplits(db, definition);
  await db.run(
    provided
      ? "CREATE TABLE splits AS SELECT DISTINCT s.subject_id, p.split FROM subjects s JOIN provided_splits p USING (subject_id)"
      : `CREATE TABLE splits AS SELECT subject_id, ${splitSql("subject_id")} AS split FROM subjects`,
  );
  return provided;
}

async function checkSplits(db: Database, definition: DatasetDefinition): Promise<void> {
  const names = SPLITS.map(sqlText).join(", ");
  const checks: readonly (readonly [sql: string, what: (value: string | null) => string])[] = [
    [
      `SELECT split AS value FROM provided_splits WHERE split IS NULL OR split NOT IN (${names})`,
      (split) => `the splits name "${split ?? ""}", which is none of ${SPLITS.join(", ")}`,
    ],
    [
      "SELECT CAST(min(subject_id) AS VARCHAR) AS value FROM provided_splits GROUP BY subject_id HAVING count(DISTINCT split) > 1",
      () => "a subject is in two splits",
    ],
    [
      `SELECT CAST(count(*) AS VARCHAR) AS value FROM subjects
       WHERE subject_id NOT IN (SELECT subject_id FROM provided_splits WHERE subject_id IS NOT NULL) HAVING count(*) > 0`,
      (n) => `the splits lack ${n} of the subjects`,
    ],
  ];
  for (const [sql, what] of checks) {
    const found = await db.query(`${sql} ORDER BY ALL LIMIT 1`);
    if (found.rowCount === 0) continue;
    throw new BenchError({
      what: what(found.strings("value")[0] ?? null),
      where: `the splits that came with ${definition.name}`,
      fix: "use the splits and the data of one release, as they were published",
    });
  }
}

/** Makes the table published_labels; labels of subjects that the data lack are left out and counted. */
export async function stagePublishedLabels(
  db: Database,
  definition: DatasetDefinition,
): Promise<{ tasks: Record<string, number> | undefined; dropped: DroppedRows[] }> {
  const none = `SELECT '' AS task, CAST(0 AS BIGINT) AS subject_id, TIMESTAMP '2000-01-01' AS prediction_time,
    0 AS value WHERE false`;
  await db.run(`CREATE TABLE all_labels AS ${definition.publishedLabels ?? none}`);
  await checkValues(db);
  await db.run(`CREATE TABLE published_labels AS
    SELECT * FROM all_labels WHERE subject_id IN (SELECT subject_id FROM subjects)`);
  const found = await db.query(
    "SELECT task, count(*) AS n FROM published_labels GROUP BY task ORDER BY task",
  );
  const counts = found.numbers("n");
  const tasks = Object.fromEntries(
    found.strings("task").map((task, i) => [task ?? "", counts[i] ?? 0]),
  );
  const lost = await db.query(
    `SELECT (SELECT count(*) FROM all_labels) - (SELECT count(*) FROM published_labels) AS n`,
  );
  const rows = lost.numbers("n")[0] ?? 0;
  return {
    tasks: found.rowCount === 0 ? undefined : tasks,
    dropped: rows === 0 ? [] : [{ table: "published labels", reason: "unknown subject", rows }],
  };
}

async function checkValues(db: Database): Promise<void> {
  const found = await db.query(
    "SELECT task FROM all_labels WHERE value IS NULL ORDER BY task LIMIT 1",
  );
  if (found.rowCount === 0) return;
  throw new BenchError({
    what: "a published label has no value",
    where: `the labels of ${found.strings("task")[0] ?? ""} that came with the data`,
    fix: "restore the label files as they were published; a label is true, false or a whole number",
  });
}
