import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import t, { type Test } from "tap";
import { BenchError } from "../../core/errors.ts";
import { mimic4Files, rowsOf, storeOf, type Tables, writeRoot } from "./made-up-mimic.ts";
import { admission, diagnosis, drug, patient } from "./made-up-mimic4.ts";

const SOUND: Tables = {
  "hosp/patients": [1, 2, 3].map((id) => patient(id)),
  "hosp/admissions": [1, 2, 3].map((id) => admission(id, id + 10)),
  "hosp/diagnoses_icd": [1, 2, 3].map((id) => diagnosis(id, id + 10, "4280")),
  "hosp/prescriptions": [1, 2, 3].map((id) => drug(id, id + 10)),
};

/** A root whose file `name` was replaced; undefined takes it away. */
function damagedRoot(t: Test, name: string, text: string | Buffer | undefined): string {
  const { [name]: sound, ...others } = mimic4Files(SOUND);
  if (sound === undefined) throw new Error(`no file ${name}`);
  return writeRoot(
    join(t.testdir({}), "root"),
    text === undefined ? others : { ...others, [name]: text },
  );
}

interface Message {
  readonly what: RegExp;
  readonly where: RegExp;
  readonly fix: RegExp;
}

/** The ingest fails with one message, and leaves nothing behind. */
async function fails(t: Test, root: string, message: Message): Promise<void> {
  const cacheDir = join(root, "..", "cache");
  const error = await storeOf("mimic4", root, { cacheDir }).then(
    () => undefined,
    (e: unknown) => e,
  );
  t.ok(error instanceof BenchError, String(error));
  t.match(error, { message: message.what, where: message.where, fix: message.fix });
  mkdirSync(cacheDir, { recursive: true });
  t.same(readdirSync(cacheDir), [], "nothing half-written");
}

const text = (name: string) => mimic4Files(SOUND)[name] ?? "";

t.test("a folder that is not there", async (t) => {
  await fails(t, join(t.testdir({}), "nowhere"), {
    what: /folder .*nowhere does not exist/,
    where: /mimic4/,
    fix: /hosp\/patients\.csv or hosp\/patients\.csv\.gz/,
  });
});

t.test("a file that is not there, or one folder deeper", async (t) => {
  await fails(t, damagedRoot(t, "hosp/admissions", undefined), {
    what: /hosp\/admissions\.csv or .*\.gz not found/,
    where: /root, raw files of mimic4/,
    fix: /folder above its modules/,
  });
  const deeper = join(t.testdir({}), "root");
  writeRoot(join(deeper, "2.2"), mimic4Files(SOUND));
  await fails(t, deeper, { what: /not found/, where: /root/, fix: /--root .*root\/2\.2$/ });
});

t.test("a column that is missing, named otherwise, or there twice", async (t) => {
  const renamed = text("hosp/diagnoses_icd").replace("icd_code,icd_version", "icd9_code,x");
  await fails(t, damagedRoot(t, "hosp/diagnoses_icd", renamed), {
    what: /column "icd_code", "icd_version" not found/,
    where: /diagnoses_icd\.csv, read as mimic4/,
    fix: /the file has subject_id, hadm_id, seq_num, icd9_code, x/,
  });
  const twice = text("hosp/diagnoses_icd").replace("seq_num", "HADM_ID");
  await fails(t, damagedRoot(t, "hosp/diagnoses_icd", twice), {
    what: /"hadm_id" occurs twice/,
    where: /diagnoses_icd\.csv/,
    fix: /keep one/,
  });
});

t.test("a file without a header, and one without anything", async (t) => {
  const headless = text("hosp/patients").split("\n").slice(1).join("\n");
  await fails(t, damagedRoot(t, "hosp/patients", headless), {
    what: /not found/,
    where: /patients\.csv/,
    fix: /the file has 1, F, 50/,
  });
  await fails(t, damagedRoot(t, "hosp/patients", ""), {
    what: /the file is empty/,
    where: /patients\.csv/,
    fix: /download/,
  });
});

t.test("a row with too few fields, or too many", async (t) => {
  const short = text("hosp/diagnoses_icd").replace("2,12,1,4280,9", "2,12");
  await fails(t, damagedRoot(t, "hosp/diagnoses_icd", short), {
    what: /a row has 2 fields, the header 5/,
    where: /diagnoses_icd\.csv, line 3/,
    fix: /restore the row/,
  });
  const long = text("hosp/diagnoses_icd").replace("2,12,1,4280,9", "2,12,1,42,80,9");
  await fails(t, damagedRoot(t, "hosp/diagnoses_icd", long), {
    what: /a row has 6 fields, the header 5/,
    where: /line 3/,
    fix: /restore the row/,
  });
});

t.test("dates, numbers and ids that cannot be read are named with row and value", async (t) => {
  const cases: readonly (readonly [string, string, string, RegExp])[] = [
    [
      "hosp/admissions",
      "2,12,2150-03-01 10:00:00",
      "2,12,3/1/2150 10:00",
      /"admittime" is not a time.*"3\/1\/2150 10:00"/,
    ],
    [
      "hosp/admissions",
      "2,12,2150-03-01 10:00:00",
      "2,12,2150-13-01 10:00:00",
      /"admittime" is not a time/,
    ],
    [
      "hosp/admissions",
      "2,12,2150-03-01 10:00:00",
      "2,12,2150-03-01 10:00:00+02",
      /"admittime" is not a time/,
    ],
    ["hosp/admissions", "2,12,", "2.0,12,", /"subject_id" is not a whole number: "2\.0"/],
    ["hosp/admissions", "2,12,", "2,1.2E1,", /"hadm_id" is not a whole number: "1\.2E1"/],
    ["hosp/admissions", "2,12,", ",12,", /"subject_id" is empty/],
    ["hosp/patients", "2,F,50,", "2,F,fifty,", /"anchor_age" is not a whole number: "fifty"/],
    [
      "hosp/diagnoses_icd",
      "2,12,1,4280,9",
      "2,12,1,4280,nine",
      /"icd_version" is not a whole number/,
    ],
  ];
  for (const [file, from, to, what] of cases) {
    await fails(t, damagedRoot(t, file, text(file).replace(from, to)), {
      what,
      where: new RegExp(`${file}\\.csv, row 3$`),
      fix: /as it was published/,
    });
  }
});

t.test("an id that occurs twice where it may not", async (t) => {
  const doubled = `${text("hosp/admissions")}${text("hosp/admissions").split("\n")[2]}\n`;
  await fails(t, damagedRoot(t, "hosp/admissions", doubled), {
    what: /hadm_id 12 occurs in 2 rows/,
    where: /admissions\.csv/,
    fix: /appended twice/,
  });
});

t.test(
  "a gzip file that was cut, at its end or in the middle, that is damaged, or is none",
  async (t) => {
    const rows = Array.from({ length: 20_000 }, (_, i) => diagnosis(1, 11, String(10_000 + i)));
    const gzip = gzipSync(mimic4Files({ "hosp/diagnoses_icd": rows })["hosp/diagnoses_icd"] ?? "");
    const flipped = Buffer.from(gzip);
    flipped[gzip.length >> 1] = (flipped[gzip.length >> 1] ?? 0) ^ 255;
    const cases: readonly (readonly [Buffer, RegExp])[] = [
      [gzip.subarray(0, gzip.length - 6), /ends too early/],
      [gzip.subarray(0, gzip.length >> 1), /ends too early/],
      [flipped, /is damaged/],
      [Buffer.from("subject_id,hadm_id\n"), /is damaged/],
    ];
    for (const [bytes, what] of cases) {
      const root = damagedRoot(t, "hosp/diagnoses_icd", undefined);
      writeFileSync(join(root, "hosp", "diagnoses_icd.csv.gz"), bytes);
      await fails(t, root, { what, where: /diagnoses_icd\.csv\.gz$/, fix: /download it again/ });
    }
  },
);

t.test("mixed line ends, an open quote, bytes that are no text", async (t) => {
  const name = "hosp/diagnoses_icd";
  const mixed = text(name).replace("\n", "\r\n");
  const fix = /as it was published/;
  await fails(t, damagedRoot(t, name, mixed), {
    what: /line ends are mixed/,
    where: /diagnoses/,
    fix,
  });
  const quote = text(name).replace("4280", '"4280');
  await fails(t, damagedRoot(t, name, quote), {
    what: /quote is not closed/,
    where: /line 2/,
    fix,
  });
  // The table reader takes it for a character of the code.
  const stray = text(name).replace("4280", '42"80');
  await fails(t, damagedRoot(t, name, stray), {
    what: /stands inside a field that is not quoted/,
    where: /diagnoses_icd.csv, line 2/,
    fix,
  });
  await fails(t, damagedRoot(t, name, text(name).replace("4280", "42\0")), {
    what: /NUL/,
    where: /diagnoses_icd.csv, line 2/,
    fix,
  });
  const latin = Buffer.from(text(name).replace("4280", "é"), "latin1");
  await fails(t, damagedRoot(t, name, latin), { what: /not UTF-8/, where: /line 2/, fix });
});

t.test("two files that differ only in letter case", async (t) => {
  const root = damagedRoot(t, "hosp/patients", text("hosp/patients"));
  writeFileSync(join(root, "hosp", "PATIENTS.csv"), text("hosp/patients"));
  if (readdirSync(join(root, "hosp")).filter((f) => /^patients/i.test(f)).length < 2) return;
  await fails(t, root, {
    what: /PATIENTS\.csv and patients\.csv/,
    where: /hosp/,
    fix: /keep the one/,
  });
});

t.test("half of a synthetic root", async (t) => {
  const root = damagedRoot(t, "hosp/patients", text("hosp/patients"));
  writeFileSync(join(root, "SYNTHETIC.json"), "{}");
  await fails(t, root, { what: /truth\.csv\.gz is missing/, where: /root/, fix: /generate/ });
});

t.test(
  "odd but sound files are read: BOM, CRLF, quoted names, extra columns, blank lines, wildcards in the path",
  async (t) => {
    const root = join(t.testdir({}), "we[i]rd *?", "root");
    writeRoot(root, {
      ...mimic4Files(SOUND),
      "hosp/patients":
        '\ufeff"EXTRA","Subject_ID","GENDER","anchor_age","anchor_year","dod",""\r\nx,1,F,50,2150,,\r\n\r\ny,2,M,60,2150,2150-04-01,\r\n',
    });
    const store = await storeOf("mimic4", root, { cacheDir: join(root, "..", "cache") });
    t.teardown(() => store.close());
    t.same(await rowsOf(store, "SELECT subject_id, sex FROM subjects ORDER BY subject_id"), [
      { subject_id: 1, sex: "F" },
      { subject_id: 2, sex: "M" },
    ]);
  },
);
