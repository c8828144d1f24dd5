import t from "tap";
import { Random } from "../../core/random.ts";
import {
  type LeaderboardGroup,
  leaderboardSchema,
  makeLeaderboard,
} from "../../harness/leaderboard.ts";
import { renderLeaderboard } from "../../harness/leaderboard-table.ts";
import type { ResultRecord, RunSpec } from "../../harness/record.ts";
import { exampleRecord } from "../support/example-record.ts";

const run = (auprc: number | null, spec: Partial<RunSpec> = {}, createdAt?: string): ResultRecord =>
  exampleRecord({ auprc, spec, ...(createdAt === undefined ? {} : { createdAt }) });
const only = (groups: readonly LeaderboardGroup[]): LeaderboardGroup => {
  if (groups.length !== 1 || groups[0] === undefined) throw new Error(`${groups.length} groups`);
  return groups[0];
};
const close = (a: number | null | undefined, b: number) => Math.abs((a ?? Number.NaN) - b) < 1e-12;

/** Two models, two tokenizers, three seeds, and one model on another task. */
function records(): ResultRecord[] {
  const out: ResultRecord[] = [];
  for (const seed of [0, 1, 2]) {
    out.push(run(0.5 + seed / 10, { seed }));
    out.push(run(0.55 + seed / 10, { seed, tokenizer: "medtok", tokenizer_artefact: "aaaaaaaa" }));
    out.push(run(0.375, { seed, model: "logistic", hyperparameters: {} }));
  }
  out.push(run(0.7, { task: "readmission", task_options: { windowDays: 30 } }));
  return out;
}

t.test("rows hold mean, deviation and number of seeds, best first", async (t) => {
  const board = makeLeaderboard(records());
  const [mortality] = board.groups.filter((group) => group.task === "mortality");
  t.same(
    mortality?.rows.map((row) => [row.rank, row.model, row.tokenizer, row.seeds]),
    [
      [1, "transformer", "medtok", [0, 1, 2]],
      [2, "transformer", "baseline", [0, 1, 2]],
      [3, "logistic", "baseline", [0, 1, 2]],
    ],
  );
  const [, baseline, logistic] = mortality?.rows ?? [];
  t.ok(close(baseline?.auprc.mean, 0.6));
  t.ok(close(baseline?.auprc.sd, 0.1));
  t.equal(baseline?.auprc.n, 3);
  t.equal(logistic?.auprc.sd, 0);
  t.equal(baseline?.prevalence, 0.25);
});

t.test(
  "the interval of one seed is its own, that of several adds the variance between seeds",
  async (t) => {
    const single = only(makeLeaderboard([run(0.5)]).groups).rows[0];
    t.match(single?.auprc.interval, { low: 0.45, high: 0.55, method: /only seed/ });
    const several = only(makeLeaderboard([run(0.4), run(0.5, { seed: 1 })]).groups).rows[0];
    // Within: (0.1 / (2 x 1.96))²; between: 0.005, times 1 + 1/2.
    const half = 1.959963984540054 * Math.sqrt((0.05 / 1.959963984540054) ** 2 + 1.5 * 0.005);
    t.ok(close(several?.auprc.interval?.low, 0.45 - half));
    t.ok(close(several?.auprc.interval?.high, 0.45 + half));
    t.match(several?.auprc.interval?.method, /Rubin/);
    const near = only(makeLeaderboard([run(0.97), run(0.99, { seed: 1 })]).groups).rows[0];
    t.equal(near?.auprc.interval?.high, 1, "no AUPRC is above 1");
  },
);

t.test("an ablation, skipped pretraining and another artefact are rows of their own", async (t) => {
  const medtok = { tokenizer: "medtok", tokenizer_artefact: "aaaaaaaa" };
  const board = makeLeaderboard([
    run(0.5),
    run(0.625, medtok),
    run(0.75, { ...medtok, tokenizer_options: { quantised: false } }),
    run(0.25, { ...medtok, pretrain_epochs: 0 }),
    run(0.875, { ...medtok, tokenizer_artefact: "bbbbbbbb" }),
    run(0.6, { ...medtok, tokenizer_artefact: "cccccccc", seed: 1 }),
  ]);
  const { rows } = only(board.groups);
  t.same(board.left_out, [], "no record gives way to another");
  t.same(
    rows.map((row) => row.auprc.mean),
    [0.875, 0.75, 0.625, 0.6, 0.5, 0.25],
  );
  t.ok(
    close(rows[1]?.difference_to_baseline?.mean, 0.25),
    "of the same model, whatever its own options",
  );
  t.equal(rows[5]?.difference_to_baseline, null, "but of the same pretraining");
  const text = renderLeaderboard(board);
  t.match(text, /0\.750.*tokenizer quantised=false/);
  t.match(text, /0\.250.*pretrain_epochs=0/);
});

t.test("a loaded tokenizer is another row than one that the run made, and says so", async (t) => {
  const medtok = { tokenizer: "medtok", tokenizer_artefact: "aaaaaaaa" };
  const from = (record: ResultRecord, tokenizer_origin: ResultRecord["tokenizer_origin"]) => ({
    ...record,
    tokenizer_origin,
  });
  const board = makeLeaderboard([
    from(run(0.75, medtok), "run"),
    run(0.5, { ...medtok, seed: 2 }), // an older record
    from(run(0.5, { ...medtok, seed: 1, tokenizer_artefact: "bbbbbbbb" }), "folder"),
    from(run(0.25, { ...medtok, seed: 1, tokenizer_artefact: "cccccccc" }), "files"),
  ]);
  t.match(only(board.groups).rows, [
    { tokenizer_origin: null, seeds: [0, 2] },
    { tokenizer_origin: "folder", seeds: [1] },
    { tokenizer_origin: "files", seeds: [1] },
  ]);
  t.ok(leaderboardSchema.safeParse(board).success);
  const text = renderLeaderboard(board);
  t.match(text, /medtok \(loaded\) +0\.500/);
  t.match(text, /medtok \(from files\) +0\.250/);
  t.match(text, /medtok +0\.625 ±/);
});

t.test("an artefact that depends on the seed is of one row", async (t) => {
  const vectors = { tokenizer: "random-vectors" };
  const board = makeLeaderboard([
    run(0.5, { ...vectors, tokenizer_artefact: "aaaaaaaa" }),
    run(0.625, { ...vectors, tokenizer_artefact: "bbbbbbbb", seed: 1 }),
  ]);
  t.match(only(board.groups).rows, [
    { seeds: [0, 1], tokenizer_artefacts: ["aaaaaaaa", "bbbbbbbb"] },
  ]);
});

t.test("a tokenizer is compared with the same model's baseline, seed by seed", async (t) => {
  const board = makeLeaderboard([
    run(0.5),
    run(0.75, { seed: 1 }),
    run(0.9, { seed: 2 }),
    run(0.625, { tokenizer: "medtok" }),
    run(0.75, { tokenizer: "medtok", seed: 1 }),
    run(0.1, { tokenizer: "medtok", seed: 7 }),
    run(0.3, { tokenizer: "medtok", model: "retain" }),
    run(0.3, { tokenizer: "medtok", epochs: 99 }),
  ]);
  const { rows } = only(board.groups);
  const difference = (model: string, epochs: number, tokenizer = "medtok") =>
    rows.find(
      (row) => row.model === model && row.settings.epochs === epochs && row.tokenizer === tokenizer,
    )?.difference_to_baseline;
  t.match(difference("transformer", 10), { mean: 0.0625, n: 2 }, "seeds 0 and 1 only");
  t.equal(difference("transformer", 10, "baseline"), null, "not with itself");
  t.equal(difference("retain", 10), null, "no baseline of that model");
  t.equal(difference("transformer", 99), null, "no baseline with those settings");
});

t.test("sources, data, tasks, options and protocols are never ranked together", async (t) => {
  const board = makeLeaderboard([
    exampleRecord({ source: "synthetic" }),
    exampleRecord({ source: "demo", spec: { seed: 1 } }),
    exampleRecord({ source: "real", spec: { seed: 2 } }),
    run(0.5, { seed: 3, dataset_fingerprint: "ffffffffffffffff" }),
    run(0.5, { seed: 4, task: "los" }),
    run(0.5, { seed: 5, task: "readmission", task_options: { windowDays: 15 } }),
    run(0.5, { seed: 6, task: "readmission", task_options: { windowDays: 30 } }),
    run(0.5, { seed: 7, protocol: "paper" }),
  ]);
  t.equal(board.groups.length, 8);
  t.same(
    board.groups.map((group) => group.rows.length),
    new Array(8).fill(1),
  );
  t.equal(board.groups[0]?.source, "real", "real data come first");
  t.equal(board.groups.at(-1)?.source, "synthetic", "synthetic data last");
});

t.test("records of older task versions are listed, not ranked", async (t) => {
  const old = run(0.9);
  const current = run(0.5, { task_version: 2 });
  const board = makeLeaderboard([old, current]);
  t.equal(only(board.groups).task_version, 2);
  t.match(board.left_out, [{ run_id: old.run_id, reason: /version 1 .* superseded by version 2/ }]);
  t.same(makeLeaderboard([old], { mortality: 2 }).groups, [], "nor where the program has moved on");
  t.equal(makeLeaderboard([old], { mortality: 1 }).groups.length, 1);
});

t.test("of two records of one row and seed the later one counts", async (t) => {
  const first = run(0.25, { bootstrap_draws: 10 }, "2026-01-01T00:00:00Z");
  const second = run(0.5, { bootstrap_draws: 20 }, "2026-01-02T00:00:00Z");
  for (const both of [
    [first, second],
    [second, first],
  ]) {
    const board = makeLeaderboard(both);
    t.same(only(board.groups).rows[0]?.run_ids, [second.run_id]);
    t.match(board.left_out, [{ run_id: first.run_id, reason: new RegExp(second.run_id) }]);
  }
});

t.test("undefined scores come last without a rank, equal ones share theirs", async (t) => {
  const { rows } = only(
    makeLeaderboard([
      run(null, { model: "a" }),
      run(0.5, { model: "b" }),
      run(0.5, { model: "c" }),
      run(0.25, { model: "d" }),
      run(0.75, { model: "e" }),
      run(null, { model: "e", seed: 1 }),
    ]).groups,
  );
  t.same(
    rows.map((row) => [row.model, row.rank]),
    [
      ["e", 1],
      ["b", 2],
      ["c", 2],
      ["d", 4],
      ["a", null],
    ],
  );
  t.match(rows[0]?.auprc, { n: 1, mean: 0.75 });
  t.same(rows[0]?.seeds, [0, 1]);
  t.match(rows[4]?.auprc, { n: 0, mean: null, sd: null, interval: null });
});

t.test("what is masked in a record stays masked", async (t) => {
  const record = run(0.5);
  const auprc = { ...record.metrics.auprc, prevalence: "masked" as const };
  const board = makeLeaderboard([{ ...record, metrics: { ...record.metrics, auprc } }]);
  t.equal(only(board.groups).rows[0]?.prevalence, "masked");
});

t.test("twins carry how much of the best possible was reached", async (t) => {
  const [a, b] = [0, 1].map((seed) => ({
    ...exampleRecord({ source: "synthetic", spec: { seed } }),
    best_possible: { auprc: 0.75, reached: 0.5 + seed / 4 },
  }));
  t.equal(only(makeLeaderboard([a, b] as ResultRecord[]).groups).rows[0]?.reached, 0.625);
});

t.test("the leaderboard does not depend on the order of the records, and is valid", async (t) => {
  const all = [...records(), run(0.9, { task_version: 2, task: "los" }), run(0.9, { task: "los" })];
  const board = makeLeaderboard(all);
  const random = Random.fromSeed(4).derive("order");
  for (let round = 0; round < 5; round++) {
    t.same(makeLeaderboard(random.shuffle([...all])), board);
  }
  t.ok(leaderboardSchema.safeParse(board).success);
  t.same(makeLeaderboard([]), { schema_version: 3, metric: "auprc", groups: [], left_out: [] });
});

t.test("the terminal table is one table a group, synthetic data in capitals", async (t) => {
  const text = renderLeaderboard(
    makeLeaderboard([
      ...records(),
      exampleRecord({ source: "synthetic", auprc: 0.5, spec: { seed: 9 } }),
      run(0.5, { task: "readmission", task_version: 2, task_options: { windowDays: 30 } }),
    ]),
  );
  t.matchOnly(text.match(/95 % interval/g)?.length, 3, "three groups");
  t.match(text, /mimic4 2\.2 \| SYNTHETIC DATA \| mortality \(version 1\) \| protocol strict/);
  t.match(text, /readmission \(version 2, windowDays=30\)/);
  t.match(
    text,
    /1 +transformer +medtok +0\.650 ± 0\.100 .* 3 +0\.250 .* \+0\.050 \[\+0\.050, \+0\.050\] \(n=3\)/,
  );
  t.match(text, /not ranked:\n {2}[0-9a-f]{16}: version 1 of task readmission is superseded/);
  t.equal(renderLeaderboard(makeLeaderboard([])), "no records to rank");
});
