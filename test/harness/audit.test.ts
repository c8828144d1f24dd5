/** What flaws do to a number, from records to the command. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { Flaw } from "../../core/protocol.ts";
import { audit } from "../../harness/audit.ts";
import { makeLeaderboard } from "../../harness/leaderboard.ts";
import { flawsOf } from "../../harness/protocol.ts";
import { type ResultRecord, type RunSpec, writeRecord } from "../../harness/record.ts";
import { tasks } from "../../tasks/index.ts";
import { callCli } from "../support/cli.ts";
import { exampleRecord } from "../support/example-record.ts";

const ALL = flawsOf(tasks.get("mortality"), "mimic4");
const [first, second] = ALL as [Flaw, Flaw, ...Flaw[]];
const version = tasks.get("mortality").version;

function run(auprc: number | null, flaws: readonly Flaw[] | null, spec: Partial<RunSpec> = {}) {
  const protocol = flaws === null ? {} : { protocol: "paper" as const, flaws: [...flaws] };
  return exampleRecord({ auprc, spec: { task_version: version, ...protocol, ...spec } });
}

const of = (records: readonly ResultRecord[]) => audit(makeLeaderboard(records), records);

t.test(
  "each extent of flaws is told, in the order of the list, against strict seed by seed",
  async (t) => {
    const records = [
      run(0.5, null, { seed: 0 }),
      run(0.6, null, { seed: 1 }),
      run(0.52, [second], { seed: 0 }),
      run(0.55, [first], { seed: 0 }),
      run(0.69, [first], { seed: 1 }),
      run(0.9, ALL, { seed: 1 }),
      run(0.8, ALL.slice(1), { seed: 0 }),
      run(0.5, [], { seed: 0 }),
      run(0.7, [first, second], { seed: 5 }),
    ];
    const [found, ...others] = of(records);
    t.same(others, []);
    t.same(
      found?.rows.map(({ extent, flaws, lacking }) => [extent, flaws.length, lacking]),
      [
        ["all", ALL.length, null],
        ["only", 1, null],
        ["only", 1, null],
        ["without", ALL.length - 1, first],
        ["none", 0, null],
        ["some", 2, null],
      ],
    );
    t.same(
      found?.rows.slice(1, 3).map(({ flaws }) => flaws[0]),
      [first, second],
    );
    const near = (index: number, value: number) =>
      t.ok(Math.abs((found?.rows[index]?.difference?.mean ?? Number.NaN) - value) < 1e-12);
    near(0, 0.3); // 0.9 - 0.6
    near(1, 0.07); // the mean of 0.05 and 0.09
    near(2, 0.02);
    near(3, 0.3);
    near(4, 0);
    t.equal(found?.rows[5]?.difference, null, "no common seed");
    // sd = 0.04 / sqrt(2), t(1) = 12.7062
    const low = found?.rows[1]?.difference?.interval?.low ?? 0;
    t.ok(Math.abs(low - (0.07 - 12.7062 * 0.02)) < 1e-6);
    t.equal(found?.hasAll, true);
    t.same(
      found?.unmeasured,
      ALL.filter((flaw) => flaw !== first && flaw !== second),
    );
  },
);

t.test("runs that differ in more than the protocol are no counterparts", async (t) => {
  const strict = run(0.5, null);
  const apart: Partial<RunSpec>[] = [
    { hyperparameters: { width: 128, dropout: 0.1 } },
    { model: "logistic" },
    { tokenizer: "medtok" },
    { dataset_fingerprint: "ffffffffffffffff" },
    { epochs: 11 },
    { task_options: { days: 15 } },
  ];
  for (const spec of apart) t.same(of([strict, run(0.9, ALL, spec)]), [], JSON.stringify(spec));
  t.equal(of([strict, run(0.9, ALL)]).length, 1);
  const [undefinedScore] = of([strict, run(null, ALL)]);
  t.equal(undefinedScore?.rows[0]?.difference, null);
});

t.test("the command prints a table, what is not measured yet, and writes a page", async (t) => {
  const dir = t.testdir({});
  await writeRecord(join(dir, "runs"), run(0.5, null));
  const alone = await callCli(["audit", "--results", dir]);
  t.equal(alone.code, 1);
  t.match(alone.stderr, /no run under protocol strict has a counterpart[\s\S]*--protocol paper/);
  await writeRecord(join(dir, "runs"), run(0.75, [first]));
  const page = join(dir, "new", "audit.html");
  const { code, stdout } = await callCli(["audit", "--results", dir, "--out", page]);
  t.equal(code, 0);
  t.match(stdout, /strict +0\.500/);
  t.match(stdout, new RegExp(`${first} +0\\.750 .*\\+0\\.250 \\(n=1\\)`));
  t.match(stdout, new RegExp(`for flaw in ${ALL.slice(1).join(" ")}; do medtok-bench run`));
  t.match(stdout, /--seeds 0 --root DIR --protocol paper\n/, "all of them are not measured either");
  t.match(readFileSync(page, "utf8"), /<td>\+0\.250 \(n=1\)<\/td>/);
  const json = await callCli(["audit", "--results", dir, "--json"]);
  t.match(JSON.parse(json.stdout), [{ rows: [{ extent: "only", flaws: [first] }] }]);
  t.equal((await callCli(["audit", "--out", "x.pdf"])).code, 2);
});
