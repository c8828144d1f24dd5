/** The open demos, against the published counts and against themselves in another order. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { gunzipSync } from "node:zlib";
import { parse } from "csv-parse/sync";
import t, { type Test } from "tap";
import type { EventStore } from "../../core/event-store.ts";
import { Random } from "../../core/random.ts";
import { STORE_TABLES } from "../../Dataset/store-layout.ts";
import { demoRoot } from "../support/demo-data.ts";
import { rowsOf, storeOf } from "./made-up-mimic.ts";

interface Demo {
  readonly dataset: "mimic3" | "mimic4";
  readonly root: string | undefined;
  readonly counts: Readonly<Record<string, number>>;
  readonly rows: Readonly<Record<string, number>>;
  readonly release: string;
}

const DEMOS: readonly Demo[] = [
  {
    dataset: "mimic4",
    root: demoRoot("mimic-iv-demo-2.2"),
    release: "2.2",
    counts: { subjects: 100, visits: 275, icu_stays: 140 },
    rows: {
      patients: 100,
      admissions: 275,
      icustays: 140,
      diagnoses_icd: 4506,
      procedures_icd: 722,
      prescriptions: 18_087,
    },
  },
  {
    dataset: "mimic3",
    root: demoRoot("mimic-iii-demo-1.4"),
    release: "1.4",
    counts: { subjects: 100, visits: 129, icu_stays: 136 },
    rows: {
      patients: 100,
      admissions: 129,
      icustays: 136,
      diagnoses_icd: 1761,
      procedures_icd: 506,
      prescriptions: 10_398,
    },
  },
];

async function open(t: Test, demo: Demo, root: string): Promise<EventStore> {
  const store = await storeOf(demo.dataset, root, { cacheDir: join(t.testdirName, "cache") });
  t.teardown(() => store.close());
  return store;
}

/** A copy with upper- and lower-case names exchanged, shuffled rows and columns, plain instead of gzip. */
function disorder(root: string, copy: string): void {
  const random = Random.fromSeed(5).derive("disorder");
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((e) =>
    e.isFile(),
  );
  for (const file of files) {
    const path = join(file.parentPath, file.name);
    const target = join(copy, swapCase(relative(root, path).replace(/\.gz$/, "")));
    mkdirSync(dirname(target), { recursive: true });
    if (!/\.csv(\.gz)?$/.test(path)) {
      copyFileSync(path, target);
      continue;
    }
    const bytes = readFileSync(path);
    const table = parse(path.endsWith(".gz") ? gunzipSync(bytes) : bytes) as string[][];
    const [header = [], ...rows] = table;
    const order = random.shuffle(header.map((_, i) => i));
    const lines = [header.map(swapCase), ...random.shuffle(rows)].map((row) =>
      order.map((i) => `"${(row[i] ?? "").replaceAll('"', '""')}"`).join(","),
    );
    writeFileSync(target, `\ufeff${lines.join("\r\n")}\r\n`);
  }
}

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (c) =>
    c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase(),
  );
}

for (const demo of DEMOS) {
  const skip = demo.root === undefined ? `the open ${demo.dataset} demo is not here` : false;
  const root = demo.root ?? "";

  t.test(`${demo.dataset} demo: published counts, nothing dropped`, { skip }, async (t) => {
    t.testdir({});
    const store = await open(t, demo, root);
    t.match(store.info, { ...demo.counts, source: "demo", dataset_version: demo.release });
    t.match(store.info.rows_read, demo.rows);
    t.same(store.info.rows_dropped, []);
    const kinds = await rowsOf(
      store,
      "SELECT kind, count(*) AS n FROM events JOIN codes USING (code) WHERE kind IN ('diagnosis', 'procedure', 'drug') GROUP BY kind ORDER BY kind",
    );
    t.same(kinds, [
      { kind: "diagnosis", n: demo.rows["diagnoses_icd"] },
      { kind: "drug", n: demo.rows["prescriptions"] },
      { kind: "procedure", n: demo.rows["procedures_icd"] },
    ]);
  });

  t.test(`${demo.dataset} demo: the store keeps its promises`, { skip }, async (t) => {
    t.testdir({});
    const store = await open(t, demo, root);
    const none = async (what: string, sql: string) => t.same(await rowsOf(store, sql), [], what);
    await none(
      "sorted by subject and time, null times first",
      `SELECT * FROM (SELECT subject_id, time, lag(subject_id) OVER w AS s, lag(time) OVER w AS before, row_number() OVER w AS n
         FROM (SELECT *, row_number() OVER () AS i FROM events) WINDOW w AS (ORDER BY i))
       WHERE s > subject_id OR (s = subject_id AND (before > time OR (before IS NOT NULL AND time IS NULL)))`,
    );
    await none(
      "every code is in the code table",
      "SELECT DISTINCT code FROM events ANTI JOIN codes USING (code)",
    );
    await none(
      "every code in the table is used",
      "SELECT code FROM codes ANTI JOIN events USING (code)",
    );
    await none("codes are unique", "SELECT code FROM codes GROUP BY code HAVING count(*) > 1");
    await none(
      "every subject has a split",
      "SELECT subject_id FROM subjects ANTI JOIN splits USING (subject_id)",
    );
    await none(
      "every event's visit is known and its subject's",
      "SELECT * FROM events ANTI JOIN visits USING (subject_id, visit_id) WHERE visit_id IS NOT NULL",
    );
    await none(
      "DIED is the discharge of exactly those who died in the stay",
      `SELECT * FROM visits JOIN events USING (visit_id)
       WHERE code LIKE 'HOSPITAL_DISCHARGE/%' AND died <> (code = 'HOSPITAL_DISCHARGE/DIED')`,
    );
    await none(
      "diagnoses are not known before the stay is over",
      `SELECT * FROM events JOIN codes USING (code) JOIN visits USING (visit_id)
       WHERE kind = 'diagnosis' AND time < least(end_time, (SELECT min(time) FROM events d
         WHERE d.subject_id = visits.subject_id AND d.code = 'MEDS_DEATH'))`,
    );
    await none(
      "nobody is over 100",
      `SELECT * FROM visits JOIN subjects USING (subject_id)
       WHERE date_diff('year', birth_time, start_time) NOT BETWEEN 0 AND 100`,
    );
  });

  t.test(
    `${demo.dataset} demo: order of rows and columns, names' case and packing change nothing`,
    { skip },
    async (t) => {
      const folder = t.testdir({});
      disorder(root, join(folder, "copy"));
      const one = await open(t, demo, root);
      const two = await open(t, demo, join(folder, "copy"));
      for (const { view, optional } of STORE_TABLES) {
        if (optional) continue;
        const same = isDeepStrictEqual(
          await rowsOf(two, `FROM ${view}`),
          await rowsOf(one, `FROM ${view}`),
        );
        t.ok(same, view);
      }
      t.same(two.info, { ...one.info, fingerprint: two.info.fingerprint });
    },
  );
}
