/** When a subject first had one of a list of codes; shared by the tasks about first diagnoses. */
import { matchesAnySql } from "../core/vocabulary/patterns.ts";

/** Before every event with a time: what is known without one has always been so. */
const ALWAYS = "TIMESTAMP '0001-01-01 00:00:00'";

/**
 * CTEs `class_codes` (class, code) and `first_events` (subject_id, class, first_time): class i is named by
 * the i-th list of patterns, SNOMED concepts together with those below them in `codes.parent_codes`. A code
 * without a time counts as always there. Needs `recursive: true`.
 */
export function firstEvents(classes: readonly (readonly string[])[]): string {
  const named = classes.flatMap((patterns, i) => [
    `SELECT ${i} AS class, code FROM codes WHERE ${matchesAnySql("code", patterns)}`,
    // A concept may head others without occurring itself.
    ...patterns
      .filter((p) => !p.endsWith("*"))
      .map((p) => `SELECT ${i}, '${p.replaceAll("'", "''")}'`),
  ]);
  return `snomed_parents AS (
  SELECT code, unnest(parent_codes) AS parent FROM codes WHERE starts_with(code, 'SNOMED/')
),
class_codes(class, code) AS (
  (${named.join("\n  UNION ")})
  UNION
  SELECT above.class, snomed_parents.code
  FROM class_codes above
  JOIN snomed_parents ON snomed_parents.parent = above.code
),
first_events AS (
  SELECT e.subject_id, c.class, min(coalesce(e.time, ${ALWAYS})) AS first_time
  FROM events e
  JOIN (SELECT DISTINCT class, code FROM class_codes) c ON c.code = e.code
  GROUP BY e.subject_id, c.class
)`;
}
