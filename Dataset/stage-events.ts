/**
 * Staging, third step: the events. Text that repeats (codes, drug names, routes) is numbered first, so that
 * an event is a few dozen bytes, sorts by integers, and is written with its dictionary at hand.
 */
import type { DatasetDefinition, EventRule } from "../core/dataset.ts";
import { CODE_KINDS, type CodeKind, type DroppedRows } from "../core/event-store.ts";
import { type Database, sqlText } from "./duckdb.ts";
import { drugJoin } from "./stage-drugs.ts";
import { visitDropReasons } from "./stage-stays.ts";

/** Enumeration types of the staging database: name -> field of an event rule whose values it lists. */
const DICTIONARIES = {
  code_name: "code",
  text_name: "text",
  drug_type_name: "drugType",
  route_name: "route",
  unit_name: "unit",
} as const satisfies Record<string, keyof EventRule>;

/** Numbers a row's drop reason; 0 is kept. */
export class DropReasons {
  readonly #names: string[] = [""];

  number(reason: string): number {
    const found = this.#names.indexOf(reason);
    if (found >= 0) return found;
    if (this.#names.length > 255) throw new Error("more than 255 reasons to drop a row");
    return this.#names.push(reason) - 1;
  }

  name(number: number): string {
    return this.#names[number] ?? "";
  }
}

function kindNumber(kind: CodeKind): number {
  return CODE_KINDS.indexOf(kind);
}

function joinDrugs(definition: DatasetDefinition, rule: EventRule): string {
  return definition.drugs?.table === rule.table ? drugJoin(definition.drugs) : "";
}

/** Columns of the raw row that an expression uses. */
function rowColumns(expression: string): string[] {
  return [...new Set([...expression.matchAll(/\br\.(\w+)/g)].map((found) => found[1] ?? ""))];
}

/**
 * A field whose text repeats. Where it uses the raw row it has a table of its own with one row for each
 * distinct combination of the columns used, so that an expression over text runs once for each of them.
 */
interface RepeatedText {
  /** SELECT value: all its values. */
  readonly values: string;
  /** The expression over `r`, `d` and the joined table, of the enumeration type. */
  readonly expression: string;
  readonly join: string;
}

/** Column of such a table that holds the text; no raw column may be called so. */
const REPEATED = "repeated_text";

async function repeatedText(
  db: Database,
  rule: EventRule,
  number: number,
  type: keyof typeof DICTIONARIES,
): Promise<RepeatedText | undefined> {
  const expression = rule[DICTIONARIES[type]];
  if (expression === undefined) return undefined;
  const columns = rowColumns(expression);
  if (columns.length === 0) {
    return { values: `SELECT ${expression} AS value FROM drug_map d`, expression, join: "" };
  }
  const table = `${type}_${number}`;
  await db.run(`
    CREATE TABLE ${table} AS
    WITH r AS MATERIALIZED (
      SELECT DISTINCT ${columns.join(", ")} FROM ${rule.table} r WHERE ${rule.where ?? "true"}
    )
    SELECT *, CAST(${expression} AS VARCHAR) AS ${REPEATED} FROM r`);
  const same = columns.map((c) => `${table}.${c} IS NOT DISTINCT FROM r.${c}`);
  return {
    values: `SELECT ${REPEATED} AS value FROM ${table}`,
    expression: `${table}.${REPEATED}`,
    join: `LEFT JOIN ${table} ON ${same.join(" AND ")}`,
  };
}

/** The repeated text of every rule, by enumeration type. */
export type Dictionaries = readonly Readonly<
  Partial<Record<keyof typeof DICTIONARIES, RepeatedText>>
>[];

/**
 * Makes the enumeration types, in text order, the tables that hold repeated text, the drug map's columns of
 * these types, and staged_events.
 */
export async function stageDictionaries(
  db: Database,
  definition: DatasetDefinition,
): Promise<Dictionaries> {
  const dictionaries: Partial<Record<keyof typeof DICTIONARIES, RepeatedText>>[] =
    definition.events.map(() => ({}));
  for (const type of Object.keys(DICTIONARIES) as (keyof typeof DICTIONARIES)[]) {
    const selects = ["SELECT '' AS value"]; // an enumeration must have a member
    if (type === "code_name") selects.push("SELECT code FROM structure");
    for (const [number, rule] of definition.events.entries()) {
      const text = await repeatedText(db, rule, number, type);
      if (text === undefined) continue;
      selects.push(text.values);
      Object.assign(dictionaries[number] ?? {}, { [type]: text });
    }
    await db.run(`
      CREATE TYPE ${type} AS ENUM (
        SELECT DISTINCT value FROM (${selects.join(" UNION ALL ")}) WHERE value IS NOT NULL ORDER BY value
      )`);
    for (const [number, texts] of dictionaries.entries()) {
      if (texts[type]?.join) {
        await db.run(`ALTER TABLE ${type}_${number} ALTER COLUMN ${REPEATED} TYPE ${type}`);
      }
    }
  }
  await db.run("ALTER TABLE drug_map ALTER COLUMN code TYPE code_name");
  await db.run("ALTER TABLE drug_map ALTER COLUMN text TYPE text_name");
  await db.run("ALTER TABLE drug_map ALTER COLUMN route TYPE route_name");
  await db.run(`
    CREATE TABLE staged_events (
      subject_id BIGINT, time TIMESTAMP, kind UTINYINT, code code_name, numeric_value FLOAT,
      text_value text_name, visit_id BIGINT, drug_type drug_type_name, route route_name,
      unit unit_name, rule UTINYINT, drop_reason UTINYINT
    )`);
  return dictionaries;
}

/** Adds the events of one rule, dropped rows too. */
export async function stageEvents(
  db: Database,
  definition: DatasetDefinition,
  number: number,
  dictionaries: Dictionaries,
  reasons: DropReasons,
): Promise<void> {
  const rule = definition.events[number];
  const texts = dictionaries[number];
  if (rule === undefined || texts === undefined) {
    throw new Error(`${definition.name} has no event rule ${number}`);
  }
  const visit = rule.visit ?? "CAST(NULL AS BIGINT)";
  const keep = rule.withoutVisit === "keep";
  const text = (type: keyof typeof DICTIONARIES) =>
    `CAST(${texts[type]?.expression ?? "NULL"} AS ${type})`;
  await db.run(`
    INSERT INTO staged_events
    SELECT
      ${rule.subject}, ${rule.time} AS event_time, ${kindSql(rule)},
      ${text("code_name")} AS event_code, CAST(${rule.numeric ?? "NULL"} AS FLOAT),
      ${text("text_name")},
      ${keep ? "CASE WHEN v.drop_reason IS NULL THEN v.visit_id END" : visit},
      ${text("drug_type_name")}, ${text("route_name")}, ${text("unit_name")}, ${number},
      CASE
        WHEN s.subject_id IS NULL THEN ${reasons.number("unknown subject")}
        ${keep ? "" : (await whenVisitDropped(db, visit, reasons)).join("\n        ")}
        ${whenRuleDrops(rule, reasons).join("\n        ")}
        WHEN event_code IS NULL THEN ${reasons.number("no code")}
        ${rule.static === true ? "" : `WHEN event_time IS NULL THEN ${reasons.number("no time")}`}
        ELSE 0 END
    FROM ${rule.table} r
    LEFT JOIN subjects s ON s.subject_id = ${rule.subject}
    LEFT JOIN visits v ON v.visit_id = ${visit} AND v.subject_id = ${rule.subject}
    ${joinDrugs(definition, rule)}
    ${Object.values(texts)
      .map((t) => t.join)
      .join("\n    ")}
    WHERE ${rule.where ?? "true"}`);
}

function kindSql(rule: EventRule): string {
  if (rule.kindOf === undefined) return String(kindNumber(rule.kind));
  const kinds = CODE_KINDS.map((kind, i) => `WHEN ${sqlText(kind)} THEN ${i}`);
  return `CASE ${rule.kindOf} ${kinds.join(" ")} ELSE ${kindNumber(rule.kind)} END`;
}

async function whenVisitDropped(
  db: Database,
  visit: string,
  reasons: DropReasons,
): Promise<string[]> {
  const unknown = reasons.number("unknown admission");
  const known = await visitDropReasons(db);
  return [
    `WHEN ${visit} IS NOT NULL AND v.visit_id IS NULL THEN ${unknown}`,
    ...known.map((reason) => {
      const number = reasons.number(`admission dropped: ${reason}`);
      return `WHEN v.drop_reason = ${sqlText(reason)} THEN ${number}`;
    }),
  ];
}

function whenRuleDrops(rule: EventRule, reasons: DropReasons): string[] {
  const conditions = Object.entries(rule.drop ?? {});
  return conditions.map(([reason, when]) => `WHEN ${when} THEN ${reasons.number(reason)}`);
}

/** Number of the structural events; rules count from 0. */
const STRUCTURE_RULE = 255;

/** Adds the structural events. */
export async function addStructure(db: Database): Promise<void> {
  const kinds = CODE_KINDS.map((kind, i) => `WHEN ${sqlText(kind)} THEN ${i}`);
  await db.run(`
    INSERT INTO staged_events BY NAME
    SELECT subject_id, time, CASE kind ${kinds.join(" ")} END AS kind, CAST(code AS code_name) AS code,
      visit_id, ${STRUCTURE_RULE} AS rule, 0 AS drop_reason
    FROM structure`);
}

/** Rows of raw tables that are no events, by table and reason. */
export async function countDroppedEvents(
  db: Database,
  definition: DatasetDefinition,
  reasons: DropReasons,
): Promise<DroppedRows[]> {
  const found = await db.query(`
    SELECT rule, drop_reason, count(*) AS n FROM staged_events
    WHERE drop_reason > 0 GROUP BY ALL ORDER BY rule, drop_reason`);
  const rows = found.numbers("n");
  const numbers = found.numbers("drop_reason");
  return Array.from(found.numbers("rule"), (rule, i) => ({
    table: definition.events[rule]?.table ?? "",
    reason: reasons.name(numbers[i] ?? 0),
    rows: rows[i] ?? 0,
  }));
}
