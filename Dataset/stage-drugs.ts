/** Staging, second step: every distinct drug order is given its code, once. Rows of patients stay in the database. */
import type { DrugOrders } from "../core/dataset.ts";
import type { Columns, StoreInfo } from "../core/event-store.ts";
import type { DrugMapper } from "./drugs/index.ts";
import type { Database } from "./duckdb.ts";
import { ndcCodeSql } from "./vocabulary.ts";

type DrugRows = NonNullable<StoreInfo["drug_rows"]>;

/**
 * Makes the table drug_map, one row a combination of name, NDC and route: the code (ATC where it maps, else
 * NDC, else the name; null when there is neither), the text and route of the event, and the number of raw
 * rows. Also atc_names: descriptions of the ATC codes in it.
 */
export async function stageDrugs(
  db: Database,
  drugs: DrugOrders | undefined,
  mapper: DrugMapper,
): Promise<DrugRows | undefined> {
  await db.run("CREATE TABLE mapped (name VARCHAR, ndc VARCHAR, route VARCHAR, atc VARCHAR)");
  await db.run("CREATE TABLE atc_names (code VARCHAR, description VARCHAR)");
  const orders =
    drugs === undefined
      ? "SELECT '' AS name, '' AS ndc, '' AS route, 0 AS n WHERE false"
      : `SELECT ${drugs.name} AS name, ${drugs.ndc} AS ndc, ${drugs.route} AS route, count(*) AS n
         FROM ${drugs.table} GROUP BY ALL`;
  await db.run(`CREATE TABLE orders AS ${orders}`);
  const counts = await mapOrders(db, await db.query("SELECT * FROM orders"), mapper);
  await db.run(`
    CREATE TABLE drug_map AS
    SELECT o.name, o.ndc, o.route AS order_route, o.n,
      coalesce(
        'ATC/' || m.atc,
        'NDC/' || ${ndcCodeSql("o.ndc")},
        'DRUG/' || nullif(lower(trim(o.name)), '')
      ) AS code,
      o.name AS text,
      o.route
    FROM orders o LEFT JOIN mapped m ON ${sameOrder("m", "o.name", "o.ndc", "o.route", "route")}`);
  return drugs === undefined ? undefined : counts;
}

/** Joins a raw row `r` to its row `d` of drug_map. */
export function drugJoin(drugs: DrugOrders): string {
  const [name, ndc, route] = [`r.${drugs.name}`, `r.${drugs.ndc}`, `r.${drugs.route}`];
  return `LEFT JOIN drug_map d ON ${sameOrder("d", name, ndc, route, "order_route")}`;
}

function sameOrder(alias: string, name: string, ndc: string, route: string, key: string): string {
  return `${alias}.name IS NOT DISTINCT FROM ${name} AND ${alias}.ndc IS NOT DISTINCT FROM ${ndc}
      AND ${alias}.${key} IS NOT DISTINCT FROM ${route}`;
}

async function mapOrders(db: Database, orders: Columns, mapper: DrugMapper): Promise<DrugRows> {
  const names = orders.strings("name");
  const ndcs = orders.strings("ndc");
  const routes = orders.strings("route");
  const rows = orders.numbers("n");
  const counts = { file: 0, ndc: 0, name: 0, unmapped: 0 };
  const mapped: (string | null)[][] = [];
  const codes = new Set<string>();
  for (let i = 0; i < orders.rowCount; i++) {
    const order = { name: names[i] ?? null, ndc: ndcs[i] ?? null, route: routes[i] ?? null };
    const found = mapper.map(order);
    counts[found === null ? "unmapped" : found.how] += rows[i] ?? 0;
    if (found === null) continue;
    mapped.push([order.name, order.ndc, order.route, found.atc]);
    codes.add(found.atc);
  }
  await db.appendText("mapped", mapped);
  const described = [...codes].map((atc) => [`ATC/${atc}`, mapper.description(atc)]);
  await db.appendText("atc_names", described);
  return counts;
}
