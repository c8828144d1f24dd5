/** MEDS datasets made elsewhere, and our own stores, read as a source. */
import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import { demoRoot } from "../support/demo-data.ts";
import { open } from "./made-up-meds.ts";
import { rowsOf } from "./made-up-mimic.ts";

const meds = demoRoot("mimic-iv-demo-meds");
const mimic = demoRoot("mimic-iv-demo-2.2");
const skip =
  meds === undefined || mimic === undefined ? "the shared demo data are not there" : false;

const visitsOf = (store: EventStore) =>
  rowsOf(store, "SELECT * EXCLUDE (visit_type) FROM visits ORDER BY subject_id, visit_id");
const linesOf = async (store: EventStore, columns: string, where: string) =>
  (
    await rowsOf(
      store,
      `SELECT concat_ws(' ', subject_id, coalesce(CAST(time AS VARCHAR), '-'), ${columns}) AS line
       FROM events JOIN codes USING (code) WHERE ${where} ORDER BY line`,
    )
  ).map((row) => row["line"]);

t.test(
  "the MIMIC-IV demo in MEDS has the visits and codes of the demo itself",
  { skip },
  async (t) => {
    const other = await open(t, "meds", meds ?? "");
    const own = await open(t, "mimic4", mimic ?? "");
    t.match(other.info, { dataset: "meds", source: "demo", splits: "source", rows_dropped: [] });
    t.equal(other.info.events, 47_482, "every row is an event");
    t.same(await visitsOf(other), await visitsOf(own));
    const stays = "SELECT * FROM icu_stays ORDER BY icu_stay_id";
    t.same(await rowsOf(other, stays), await rowsOf(own, stays));
    const people = "SELECT subject_id, birth_time, sex FROM subjects ORDER BY subject_id";
    t.same(await rowsOf(other, people), await rowsOf(own, people));
    for (const kind of ["diagnosis", "visit"]) {
      const where = `kind = '${kind}' AND NOT regexp_matches(code, '^(ED_|TRANSFER_TO)')`;
      t.same(
        await linesOf(other, "code, visit_id", where),
        await linesOf(own, "code, visit_id", where),
        kind,
      );
    }
    // The extraction stamps procedures at the discharge; ours are dated.
    const codes =
      "SELECT subject_id, visit_id, code FROM events WHERE code LIKE 'ICD%P%' ORDER BY ALL";
    t.same(await rowsOf(other, codes), await rowsOf(own, codes));
    // Without routes some names mean another ATC code; the orders are the same.
    const drugs = "kind = 'drug'";
    t.same(
      await linesOf(other, "visit_id, text_value", drugs),
      await linesOf(own, "visit_id, text_value", drugs),
    );
    t.match(
      await rowsOf(
        other,
        "SELECT count(*) AS n FROM codes WHERE starts_with(code, 'ICD') AND description IS NOT NULL",
      ),
      [{ n: 1653 }],
      "the descriptions of codes.parquet, under the codes' new names",
    );
    t.match(
      await rowsOf(other, "SELECT split, count(*) AS n FROM splits GROUP BY ALL ORDER BY split"),
      [
        { split: "held_out", n: 15 },
        { split: "train", n: 79 },
        { split: "tuning", n: 6 },
      ],
    );
  },
);

t.test("our own store, read as MEDS, gives itself", { skip: mimic === undefined }, async (t) => {
  const store = await open(t, "mimic4", mimic ?? "");
  const again = await open(t, "meds", store.folder);
  t.equal(again.info.events, store.info.events);
  t.same(
    await linesOf(again, "code, visit_id", "true"),
    await linesOf(store, "code, visit_id", "true"),
  );
  t.same(await visitsOf(again), await visitsOf(store));
  const splits = "SELECT * FROM splits ORDER BY subject_id";
  t.same(await rowsOf(again, splits), await rowsOf(store, splits));
  const stays = `SELECT * EXCLUDE (icu_stay_id) FROM icu_stays ORDER BY subject_id, start_time`;
  t.same(await rowsOf(again, stays), await rowsOf(store, stays));
});
