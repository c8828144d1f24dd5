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

/** The values of an expression, each at least once; over distinct raw values, which are far fewer than the rows. */
function valuesOf(definition: DatasetDefinition, rule: EventRule, expression: string): string {
  const rowColumns = new Set([...expression.matchAll(/\br\.(\w+)/g)].map((found) => found[1]));
  const usesDrug = /\bd\./.test(expression);
  if (rowColumns.size === 0 && usesDrug) return `SELECT ${expression} AS value FROM drug_map d`;
  const rows = usesDrug
    ? `${rule.table} r ${joinDrugs(definition, rule)}`
    : `(SELECT DISTINCT ${[...rowColumns].join(", ") || "1"} FROM ${rule.table}) r`;
  return `SELECT ${expression} AS value FROM ${rows}`;
}

function joinDrugs(definition: DatasetDefinition, rule: EventRule): string {
  return definition.drugs?.table === rule.table ? drugJoin(definition.drugs) : "";
}

/** Makes the enumeration types, in text order, the drug map's columns of these types, and staged_events. */
export async function stageDictionaries(
  db: Database,
  definition: DatasetDefinition,
): Promise<void> {
  for (const [type, field] of Object.entries(DICTIONARIES)) {
    const selects = definition.events.flatMap((rule) => {
      const expression = rule[field];
      return expression === undefined ? [] : [valuesOf(definition, rule, expression)];
    });
    if (field === "code") selects.push("SELECT code AS value FROM structure");
    selects.push("SELECT '' AS value"); // an enumeration must have a member
    await db.run(`
      CREATE TYPE ${type} AS ENUM (
        SELECT DISTINCT CAST(value AS VARCHAR) AS value FROM (${selects.join(" UNION ALL ")}) WHERE value IS NOT NULL ORDER BY value
      )`);
  }
  await db.run("ALTER TABLE drug_map ALTER COLUMN code TYPE code_name");
  await db.run("ALTER TABLE drug_map ALTER COLUMN text TYPE text_name");
  await db.run("ALTER TABLE drug_map ALTER COLUMN route TYPE route_name");
  await db.run(`
    CREATE TABLE staged_events (
      subject_id BIGINT, time TIMESTAMP, kind UTINYINT, code code_name, numeric_value FLOAT,
      text_value text_name, visit_id BIGINT, drug_type drug_type_name, route route_name,
      rule UTINYINT, drop_reason UTINYINT
    )`);
}

/** Adds the events of one rule, dropped rows too. */
export async function stageEvents(
  db: Database,
  definition: DatasetDefinition,
  ruleNumber: number,
  reasons: DropReasons,
): Promise<void> {
  const rule = definition.events[ruleNumber];
  if (rule === undefined) throw new Error(`${definition.name} has no event rule ${ruleNumber}`);
  const visit = rule.visit ?? "CAST(NULL AS BIGINT)";
  const cast = (expression: string | undefined, type: string) =>
    `CAST(${expression ?? "NULL"} AS ${type})`;
  await db.run(`
    INSERT INTO staged_events
    SELECT
      ${rule.subject}, ${rule.time} AS event_time, ${kindNumber(rule.kind)},
      ${cast(rule.code, "code_name")} AS event_code, ${cast(rule.numeric, "FLOAT")},
      ${cast(rule.text, "text_name")}, ${visit}, ${cast(rule.drugType, "drug_type_name")},
      ${cast(rule.route, "route_name")}, ${ruleNumber},
      CASE
        WHEN s.subject_id IS NULL THEN ${reasons.number("unknown subject")}
        WHEN ${visit} IS NOT NULL AND v.visit_id IS NULL THEN ${reasons.number("unknown admission")}
        ${(await whenVisitDropped(db, reasons)).join("\n        ")}
        ${whenRuleDrops(rule, reasons).join("\n        ")}
        WHEN event_code IS NULL THEN ${reasons.number("no code")}
        WHEN event_time IS NULL THEN ${reasons.number("no time")}
        ELSE 0 END
    FROM ${rule.table} r
    LEFT JOIN subjects s ON s.subject_id = ${rule.subject}
    LEFT JOIN visits v ON v.visit_id = ${visit} AND v.subject_id = ${rule.subject}
    ${joinDrugs(definition, rule)}`);
}

async function whenVisitDropped(db: Database, reasons: DropReasons): Promise<string[]> {
  const known = await visitDropReasons(db);
  return known.map((reason) => {
    const number = reasons.number(`admission dropped: ${reason}`);
    return `WHEN v.drop_reason = ${sqlText(reason)} THEN ${number}`;
  });
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
