/** From a mapping of codes to the SQL that reads a MEDS dataset. */
import type { DatasetLayout, EventRule, RawTable } from "../../core/dataset.ts";
import { sqlText } from "../duckdb.ts";
import type { MedsMapping } from "./mapping.ts";
import { matches, paired, renamed, rest, secondPart } from "./sql.ts";

function tables(mapping: MedsMapping): Readonly<Record<string, RawTable>> {
  const ids = [...new Set([...mapping.visit_id_columns, ...mapping.icu_id_columns])];
  const texts = [mapping.route_column, mapping.drug_type_column].filter((name) => name !== null);
  return {
    data: {
      file: "data/**/*",
      format: "parquet",
      columns: {
        subject_id: "id",
        time: "time",
        code: "text",
        numeric_value: "number",
        text_value: "text",
        unit: "text",
        ...Object.fromEntries(texts.map((column) => [column, "text"] as const)),
        ...Object.fromEntries(ids.map((column) => [column, "loose-id"] as const)),
      },
      optionalColumns: ["numeric_value", "text_value", "unit", ...texts, ...ids],
      notNull: ["subject_id", "code"],
    },
    listed_codes: {
      file: "metadata/codes",
      format: "parquet",
      columns: { code: "text", description: "text" },
      optionalColumns: ["description"],
      optional: true,
    },
    subject_splits: {
      file: "metadata/subject_splits",
      format: "parquet",
      columns: { subject_id: "id", split: "text" },
      notNull: ["subject_id", "split"],
      unique: "subject_id",
      optional: true,
    },
  };
}

/** What a row is about; the first that fits. Visits are numbered as the mapping lists them. */
function roleOf(mapping: MedsMapping): string {
  const roles: (readonly [string, readonly string[]])[] = [
    ["birth", mapping.birth],
    ["death", mapping.death],
    ["F", mapping.female],
    ["M", mapping.male],
    ["race", mapping.race],
    ...mapping.visits.flatMap(
      (visit, i) =>
        [
          [`start ${i}`, visit.start],
          [`end ${i}`, visit.end],
        ] as const,
    ),
    ["icu start", mapping.icu.start],
    ["icu end", mapping.icu.end],
    ["drug", mapping.drug_names],
  ];
  const cases = roles.map(
    ([role, patterns]) => `WHEN ${matches(patterns, "d.code")} THEN '${role}'`,
  );
  return `CASE ${cases.join("\n    ")} ELSE 'other' END`;
}

function firstOf(columns: readonly string[]): string {
  return columns.length === 0
    ? "CAST(NULL AS BIGINT)"
    : `coalesce(${columns.map((column) => `d.${column}`).join(", ")}, NULL)`;
}

function textOf(column: string | null): string {
  return column === null ? "CAST(NULL AS VARCHAR)" : `d.${column}`;
}

/** An id that no other subject has and that a float64 holds stays; else the visit or ICU stay gets a negative one. */
function ownId(p: string): string {
  return `CASE
    WHEN ${p}.source_id BETWEEN 0 AND 9007199254740991 AND count(*) OVER (PARTITION BY ${p}.source_id) = 1
      THEN ${p}.source_id
    ELSE -row_number() OVER (ORDER BY ${p}.subject_id, coalesce(${p}.start_time, ${p}.end_time), ${p}.number, ${p}.source_id) END`;
}

function views(mapping: MedsMapping): Record<string, string> {
  const visits = mapping.visits.map(
    (visit, i) => `SELECT *, ${i} AS number, '${visit.type}' AS visit_type,
      coalesce(${matches(visit.died, "end_code")}, false) AS died
    FROM (${paired({ table: "coded", id: "source_visit", start: `start ${i}`, end: `end ${i}` })})`,
  );
  const none = `SELECT CAST(NULL AS BIGINT) AS subject_id, CAST(NULL AS BIGINT) AS source_id,
    CAST(NULL AS TIMESTAMP) AS start_time, CAST(NULL AS TIMESTAMP) AS end_time, '' AS start_code, '' AS end_code,
    0 AS number, '' AS visit_type, false AS died WHERE false`;
  const columns = `c.subject_id, c.time, c.code, c.numeric_value, c.text_value, c.unit, c.route, c.drug_type, c.role, c.source_icu,
    c.source_visit IS NOT NULL AS by_id`;
  return {
    coded: `SELECT d.subject_id, d.time, d.code, d.numeric_value, d.text_value, d.unit,
      ${textOf(mapping.route_column)} AS route, ${textOf(mapping.drug_type_column)} AS drug_type,
      ${firstOf(mapping.visit_id_columns)} AS source_visit, ${firstOf(mapping.icu_id_columns)} AS source_icu,
      ${roleOf(mapping)} AS role FROM data d`,
    stays: `SELECT *, ${ownId("p")} AS visit_id FROM (${[none, ...visits].join("\n    UNION ALL ")}) p`,
    // A row belongs to the visit whose id it has. In a dataset without ids: to the one that began last, if it
    // is not over.
    located: `SELECT ${columns}, s.visit_id FROM coded c
      LEFT JOIN stays s ON s.subject_id = c.subject_id AND s.source_id = c.source_visit
      WHERE c.source_visit IS NOT NULL OR (SELECT count(source_visit) > 0 FROM coded)
      UNION ALL
      SELECT ${columns}, CASE WHEN c.time <= s.end_time THEN s.visit_id END
      FROM (SELECT * FROM coded WHERE (SELECT count(source_visit) = 0 FROM coded)) c
      ASOF LEFT JOIN (
        SELECT DISTINCT ON (subject_id, start_time) * FROM stays ORDER BY subject_id, start_time, end_time DESC, visit_id
      ) s ON s.subject_id = c.subject_id AND c.time >= s.start_time`,
    drug_orders: `SELECT *, ${rest(mapping.drug_names, "code")} AS name, CAST(NULL AS VARCHAR) AS ndc
      FROM located WHERE role = 'drug'`,
    // A visit takes one row for its start and one for its end; further ones are counted.
    repeated_ends: `SELECT * FROM located WHERE ${isStay(mapping)}
      QUALIFY row_number() OVER (PARTITION BY subject_id, role, CASE WHEN by_id THEN visit_id END,
        CASE WHEN NOT by_id THEN time END
        ORDER BY time, code) > 1`,
  };
}

/** Rows that become admissions and discharges. */
function isStay(mapping: MedsMapping): string {
  const roles = mapping.visits.flatMap((visit, i) =>
    visit.type === "inpatient" ? [`'start ${i}'`, `'end ${i}'`] : [],
  );
  return roles.length === 0 ? "false" : `role IN (${roles.join(", ")})`;
}

const EVER = "coalesce(time, TIMESTAMP '0001-01-01')";

// A race that is recorded after other things is not known to those who look at them. A sex that is gives
// nothing away.
const subjects = (mapping: MedsMapping) => `
SELECT * EXCLUDE (race_time, begins)
  REPLACE (CASE WHEN begins IS NULL OR race_time <= begins THEN race END AS race)
FROM (
  SELECT
    subject_id,
    min(time) FILTER (role = 'birth') AS birth_time,
    min(time) FILTER (role = 'death') AS death_time,
    arg_min(role, (${EVER}, role)) FILTER (role IN ('F', 'M')) AS sex,
    arg_min(${rest(mapping.race, "code")}, (${EVER}, code)) FILTER (role = 'race') AS race,
    min(${EVER}) FILTER (role = 'race') AS race_time,
    min(time) FILTER (role NOT IN ('birth', 'F', 'M', 'race')) AS begins
  FROM coded GROUP BY subject_id
)`;

const VISITS = `
SELECT
  subject_id, visit_id, visit_type, start_time, end_time, end_time AS coded_time, died,
  ${secondPart("start_code")} AS admission_type,
  ${secondPart("end_code")} AS discharge_location,
  CASE
    WHEN start_time IS NULL THEN 'end without a start'
    WHEN end_time < start_time THEN 'end before start'
  END AS drop_reason
FROM stays`;

const ICU_STAYS = `
WITH pairs AS (${paired({ table: "located", id: "source_icu", start: "icu start", end: "icu end" })}
), numbered AS (
  SELECT *, 0 AS number FROM pairs
)
SELECT
  p.subject_id,
  v.visit_id,
  ${ownId("p")} AS icu_stay_id,
  ${secondPart("p.start_code")} AS unit,
  ${secondPart("p.end_code")} AS last_unit,
  p.start_time,
  p.end_time
FROM numbered p
LEFT JOIN (
  SELECT l.subject_id, l.time, l.code, min(l.visit_id) AS visit_id FROM located l
  JOIN visits v ON v.visit_id = l.visit_id AND v.subject_id = l.subject_id AND v.drop_reason IS NULL
  WHERE l.role = 'icu start' GROUP BY ALL
) v ON v.subject_id = p.subject_id AND v.time = p.start_time AND v.code = p.start_code`;

function events(mapping: MedsMapping): readonly EventRule[] {
  const kinds = Object.entries(mapping.kinds).map(
    ([kind, patterns]) => `WHEN ${matches(patterns, "r.code")} THEN '${kind}'`,
  );
  const common = {
    subject: "r.subject_id",
    visit: "r.visit_id",
    withoutVisit: "keep",
    time: "r.time",
    static: true,
    numeric: "r.numeric_value",
    unit: "nullif(trim(r.unit), '')",
  } as const;
  const structural = ["birth", "death", "F", "M", "icu start", "icu end", "drug"];
  return [
    {
      ...common,
      table: "located",
      // A race without a time is the subject's; one with a time happened, and is seen from then on.
      where: `r.role NOT IN (${structural.map(sqlText).join(", ")})
        AND NOT (r.role = 'race' AND r.time IS NULL) AND NOT (${isStay(mapping).replace("role", "r.role")})`,
      kind: "other",
      kindOf: `CASE WHEN r.role = 'race' THEN 'demographic' WHEN r.role <> 'other' THEN 'visit' ${kinds.join(" ")} END`,
      code: renamed(mapping, "r.code"),
      text: "r.text_value",
      drugType: "r.drug_type",
      route: "r.route",
    },
    {
      ...common,
      table: "drug_orders",
      kind: "drug",
      code: "d.code",
      text: "d.text",
      drugType: "r.drug_type",
      route: "d.route",
    },
    {
      ...common,
      table: "repeated_ends",
      kind: "visit",
      code: "r.code",
      drop: { "repeated start or end of a visit": "true" },
    },
  ];
}

/** How a MEDS dataset with this mapping is read. */
export function medsLayout(mapping: MedsMapping): DatasetLayout {
  const splits = Object.entries(mapping.splits).map(
    ([theirs, ours]) => `WHEN ${sqlText(theirs)} THEN '${ours}'`,
  );
  const names = splits.length === 0 ? "split" : `CASE split ${splits.join(" ")} ELSE split END`;
  return {
    tables: tables(mapping),
    views: views(mapping),
    keptViews: ["stays", "located"],
    subjects: subjects(mapping),
    visits: VISITS,
    icuStays: ICU_STAYS,
    drugs: { table: "drug_orders", name: "name", ndc: "ndc", route: "route" },
    events: events(mapping),
    descriptions: `SELECT ${renamed(mapping, "code")} AS code, nullif(trim(description), '') AS description FROM listed_codes`,
    splits: `SELECT subject_id, ${names} AS split FROM subject_splits`,
  };
}
