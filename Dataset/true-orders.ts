/** The true probabilities of drug orders of a synthetic root, on their way into the store. */
import { join } from "node:path";
import type { Columns } from "../core/event-store.ts";
import type { DrugMapper } from "./drugs/index.ts";
import { type Database, sqlText } from "./duckdb.ts";
import { storeTable } from "./store-layout.ts";

/** Files that twins have since the generator states how probable each drug of a visit was. */
export interface OrderTruthFiles {
  readonly orders: string;
  readonly products: string;
}

const PLAIN = `auto_detect = false, quote = '"'`;

const readText = (file: string) =>
  `read_csv(${sqlText(file)}, header = true, all_varchar = true, quote = '"')`;

/** Reads a file of ids and probabilities by its header; guessing so many columns takes longer than reading them. */
async function readNumbers(db: Database, file: string): Promise<string> {
  const lines = `read_csv(${sqlText(file)}, header = false, delim = '\x01', ${PLAIN}, columns = {line: 'VARCHAR'})`;
  const [header] = (await db.query(`SELECT line FROM ${lines} LIMIT 1`)).strings("line");
  const columns = (header ?? "").split(",").map((name) => {
    return `${sqlText(name)}: '${name.endsWith("_id") ? "BIGINT" : "DOUBLE"}'`;
  });
  return `read_csv(${sqlText(file)}, header = true, delim = ',', ${PLAIN}, columns = {${columns.join(", ")}})`;
}

/**
 * Writes the two tables. `false`, and nothing written, where orders of one product have several codes, which
 * only a user's map by NDC brings about: the twin does not say how probable each of them was.
 */
export async function writeTrueOrders(
  db: Database,
  files: OrderTruthFiles,
  mapper: DrugMapper,
  folder: string,
): Promise<boolean> {
  const codes = codesOf(await db.query(`SELECT * FROM ${readText(files.products)}`), mapper);
  if (codes === undefined) return false;
  await db.run("CREATE TABLE true_product (drug VARCHAR, product VARCHAR, atc VARCHAR)");
  await db.appendText("true_product", codes);
  await db.write(
    `SELECT CAST(drug AS INTEGER) AS drug, CAST(product AS INTEGER) AS product, p.name, p.route, c.atc
     FROM ${readText(files.products)} p JOIN true_product c USING (drug, product) ORDER BY ALL`,
    join(folder, storeTable("true_products").file),
  );
  // Not sorted: a row has close to two hundred numbers, and the whole of them need not fit into memory.
  await db.write(
    `SELECT subject_id, hadm_id AS visit_id, * EXCLUDE (subject_id, hadm_id)
     FROM ${await readNumbers(db, files.orders)}`,
    join(folder, storeTable("true_orders").file),
  );
  return true;
}

/** Drug, product and ATC code; undefined where it depends on whether an order's NDC is known. */
function codesOf(products: Columns, mapper: DrugMapper): (string | null)[][] | undefined {
  const [drug, product, names, ndcs, routes] = ["drug", "product", "name", "ndc", "route"].map(
    (name) => products.strings(name),
  );
  const rows: (string | null)[][] = [];
  for (let i = 0; i < products.rowCount; i++) {
    const order = { name: names?.[i] ?? null, route: routes?.[i] ?? null };
    const atc = mapper.map({ ...order, ndc: ndcs?.[i] ?? null })?.atc ?? null;
    // Some orders have 0 in the place of their NDC.
    if ((mapper.map({ ...order, ndc: "0" })?.atc ?? null) !== atc) return undefined;
    rows.push([drug?.[i] ?? null, product?.[i] ?? null, atc]);
  }
  return rows;
}
