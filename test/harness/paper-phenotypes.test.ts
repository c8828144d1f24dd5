/** The paper's 24 phenotypes from a made-up PrimeKG and a made-up code table. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { BenchError } from "../../core/errors.ts";
import type { TaskDefinition } from "../../core/task.ts";
import { Database } from "../../Dataset/duckdb.ts";
import { chooseTask } from "../../harness/choose-task.ts";
import { PHENOTYPE_NODES } from "../../tasks/phenotype-24.ts";
import type { HandTimelines } from "../support/hand-store.ts";
import { labelsOf } from "../support/labels-of.ts";

const folder = t.testdir({});
const kg = join(folder, "kg.csv");
const nodes = join(folder, "nodes.csv");
const codes = join(folder, "codes.parquet");

const HEADER =
  "relation,display_relation,x_index,x_id,x_type,x_name,x_source,y_index,y_id,y_type,y_name,y_source";
const NAMES = [...new Set(PHENOTYPE_NODES)].map((node) => [node, `disease, ${node}`] as const);
// Every node is linked to the first one, each edge written in both directions.
const edges = NAMES.slice(1).flatMap(([node, name]) => {
  const [a, b] = [`64551,1,disease,"disease, 64551",X`, `${node},2,disease,"${name}",X`];
  return [`disease_disease,parent-child,${a},${b}`, `disease_disease,parent-child,${b},${a}`];
});
writeFileSync(kg, `${[HEADER, ...edges].join("\n")}\n`);
const lines = NAMES.map(([node, name]) => `${node},${node},disease,"${name}",X`);
writeFileSync(
  nodes,
  `${["node_index,node_id,node_type,node_name,node_source", ...lines].join("\n")}\n`,
);
const db = await Database.open({ threads: 1 });
await db.write(
  `SELECT * FROM (VALUES
    ('E11.9', 'type 2 diabetes', [1, 64551]), ('428.0', 'heart failure', [35671, 88494, 5]),
    ('I50.9', 'heart failure', [88494]), ('J18.9', 'pneumonia', [7]), ('4019', 'no dots here', [64551])
  ) AS rows(med_code, "desc", pkg_index_list)`,
  codes,
);
db.close();

const ask = async (inputs: readonly string[]): Promise<TaskDefinition> =>
  (await chooseTask({ task: "phenotype-24", "task-option": [], "task-input": inputs })).task;

const diagnosis = (visit: number, code: string) =>
  ({ subject: 1, visit, time: `2150-0${visit}-05 12:00`, code, kind: "diagnosis" }) as const;
const TIMELINES: HandTimelines = {
  subjects: [{ id: 1 }],
  visits: [1, 2, 3].map((id) => ({
    ...{ subject: 1, id },
    ...{ start: `2150-0${id}-01 10:00`, end: `2150-0${id}-05 12:00` },
  })),
  icuStays: [1, 2, 3].map((id) => ({
    ...{ subject: 1, visit: id, id },
    ...{ start: `2150-0${id}-01 12:00`, end: `2150-0${id}-02 12:00` },
  })),
  events: [
    diagnosis(1, "ICD10CM/E11.9"),
    diagnosis(1, "ICD9CM/428.0"),
    diagnosis(2, "ICD10CM/J18.9"),
    diagnosis(2, "ICD9CM/401.9"),
    diagnosis(3, "ICD10CM/I50.9"),
    { ...diagnosis(3, "ICD10PCS/E11.9"), kind: "procedure" },
  ],
};

t.test("a stay has the phenotypes whose nodes its diagnoses have", async (t) => {
  const task = await ask([`kg=${kg}`, `codes=${codes}`]);
  t.same(await labelsOf(task, TIMELINES), [
    [1, "2150-01-02 12:00:00", [0, 1, 4, 17]],
    [2, "2150-02-02 12:00:00", []],
    [3, "2150-03-02 12:00:00", [4, 17]],
  ]);
  const { classes } = task.labelSpec;
  t.equal(classes.length, 24);
  t.equal(new Set(classes).size, 24);
  t.same([classes[4], classes[17]], ["disease, 88494", "disease, 88494 (position 17)"]);
  t.same(task.history.hideIndexVisit, ["diagnosis"]);
  const other = await ask([`kg=${nodes}`, `codes=${codes}`]);
  t.equal(other.definitionHash, task.definitionHash, "nodes.csv says the same");
});

t.test("without the files, or with others, says what is needed and what to use", async (t) => {
  const short = join(folder, "short.csv");
  writeFileSync(short, `${HEADER}\n${edges[0]}\n`);
  const cases: readonly (readonly [inputs: readonly string[], what: RegExp])[] = [
    [[], /needs PrimeKG's kg.csv or nodes.csv: its classes are numbers of nodes \(64551/],
    [[`kg=${kg}`], /needs all_codes_mappings.parquet/],
    [[`kg=${kg}`, `codes=${join(folder, "none.parquet")}`], /none.parquet does not exist/],
    [[`graph=${kg}`], /graph/],
    [[`kg=${short}`, `codes=${codes}`], /23 of the 24 nodes are not in the file, 35671/],
    [[`kg=${codes}`, `codes=${codes}`], /cannot be read as a table/],
    [[`kg=${kg}`, `codes=${kg}`], /cannot be read as a table/],
  ];
  for (const [inputs, what] of cases) {
    const error = await ask(inputs).catch((e: unknown) => e);
    t.ok(error instanceof BenchError, `${inputs}: ${error}`);
    t.match(error, { message: what });
  }
  const los = chooseTask({ task: "los", "task-option": [], "task-input": [`kg=${kg}`] });
  await t.rejects(los, { message: /task los is made of no files/ });
  const none = await ask([]).catch((e: unknown) => e);
  t.match(none, { fix: /--task phenotype, the 25 CCS groups/, exitCode: 2 });
});
