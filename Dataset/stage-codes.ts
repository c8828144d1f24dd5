/** Staging, last step: the table codes, every code of a kept event with description, parent and kind. */
import { CODE_KINDS } from "../core/event-store.ts";
import { type Database, sqlText } from "./duckdb.ts";
import { structureDescription } from "./stage-stays.ts";
import { parentCodeSql } from "./vocabulary.ts";

/**
 * Makes the table codes. A code that the source's dictionary lacks stays, without a description; a drug
 * without ATC code is described by the name it was ordered by most often.
 */
export async function stageCodes(db: Database, descriptions: string): Promise<void> {
  const kinds = `[${CODE_KINDS.map(sqlText).join(", ")}]`;
  await db.run(`
    CREATE TABLE codes AS
    WITH used AS (
      SELECT CAST(code AS VARCHAR) AS code, min(kind) AS kind
      FROM staged_events WHERE drop_reason = 0 GROUP BY staged_events.code
    ), dictionary AS (
      SELECT code, min(description) AS description
      FROM (SELECT * FROM (${descriptions}) UNION ALL SELECT * FROM atc_names)
      WHERE code IS NOT NULL GROUP BY code
    ), ordered AS (
      SELECT code, arg_max(text, (n, text)) AS description FROM (
        SELECT CAST(code AS VARCHAR) AS code, CAST(text AS VARCHAR) AS text, sum(n) AS n
        FROM drug_map WHERE NOT starts_with(CAST(code AS VARCHAR), 'ATC/') AND text IS NOT NULL
        GROUP BY ALL
      ) GROUP BY code
    )
    SELECT
      u.code,
      coalesce(d.description, o.description, ${structureDescription("u.code")}) AS description,
      CASE WHEN ${parentCodeSql("u.code")} IS NOT NULL THEN [${parentCodeSql("u.code")}] END AS parent_codes,
      ${kinds}[u.kind + 1] AS kind
    FROM used u
    LEFT JOIN dictionary d ON d.code = u.code
    LEFT JOIN ordered o ON o.code = u.code`);
}
