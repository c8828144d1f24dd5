/** When a record counts as that of a run that is asked for. */
import t from "tap";
import type { RunSpec } from "../../harness/record.ts";
import { differencesFrom, keptRecord } from "../../harness/resume.ts";
import { exampleRecord } from "../support/example-record.ts";

const record = exampleRecord();
const wanted = (changes: Partial<RunSpec> = {}): RunSpec => ({ ...record.spec, ...changes });

t.test(
  "the same specification differs in nothing, whatever the tokenizer will learn",
  async (t) => {
    t.same(differencesFrom(record, wanted({ tokenizer_artefact: "not known yet" })), []);
  },
);

t.test("settings, options, versions, data and files are told one by one", async (t) => {
  for (const [changes, told] of [
    [{ hyperparameters: { width: 32, dropout: 0.1 } }, ["hyperparameters.width 64, now 32"]],
    [{ hyperparameters: { width: 64 } }, ["hyperparameters.dropout 0.1, now not set"]],
    [{ model_version: 2 }, ["model_version 1, now 2"]],
    [{ tokenizer_version: 2 }, ["tokenizer_version 1, now 2"]],
    [{ tokenizer_options: { mode: "tokens" } }, ['tokenizer_options.mode not set, now "tokens"']],
    [{ task_version: 3 }, ["task_version 1, now 3"]],
    [{ task_options: { windowDays: 30 } }, ["task_options.windowDays not set, now 30"]],
    [{ epochs: 3, patience: 2 }, ["epochs 10, now 3", "patience 3, now 2"]],
    [{ pretrain_epochs: 0 }, ["pretrain_epochs null, now 0"]],
    [{ bootstrap_draws: 7 }, ["bootstrap_draws 100, now 7"]],
    [{ model_files: { ddi: "aaaaaaaa" } }, ['model_files.ddi not set, now "aaaaaaaa"']],
    [
      { dataset_fingerprint: "aaaaaaaaaaaaaaaa" },
      ['dataset_fingerprint "0123456789abcdef", now "aaaaaaaaaaaaaaaa"'],
    ],
  ] as const)
    t.same(differencesFrom(record, wanted(changes)), told);
});

t.test("a loaded tokenizer is not the run's own", async (t) => {
  const loaded = { ...record, tokenizer_origin: "folder" as const };
  t.same(differencesFrom(loaded, wanted()), ["tokenizer from folder, now made by the run"]);
});

t.test("of several records the nearest is told of, and other cells are none", async (t) => {
  const far = exampleRecord({ spec: { epochs: 1, patience: 1 } });
  const near = exampleRecord({ spec: { epochs: 1 } });
  t.equal(keptRecord([far, near], wanted())?.record.run_id, near.run_id);
  t.same(keptRecord([far, record, near], wanted())?.differences, []);
  t.equal(keptRecord([exampleRecord({ spec: { seed: 1 } })], wanted()), undefined);
});
