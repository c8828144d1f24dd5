/** A killed run resumes and ends with the record of one that was not killed. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import type { ModelDefinition } from "../../core/model.ts";
import { packageRoot } from "../../core/package-root.ts";
import { openCheckpoints } from "../../harness/checkpoints.ts";
import { type ResultRecord, readRecords } from "../../harness/record.ts";
import { runSeeds } from "../../harness/run.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";

function withoutTimes(record: ResultRecord | undefined) {
  if (record === undefined) throw new Error("no record");
  const { created_at: _, timings: __, peak_rss_mb: ___, ...rest } = record;
  return rest;
}

/** The model, stopped after some epochs, as if the machine had gone down. */
function stoppedAfter(model: ModelDefinition, epochs: number): ModelDefinition {
  const stop = new AbortController();
  return {
    ...model,
    fit: (context, given) =>
      model.fit(
        {
          ...context,
          signal: stop.signal,
          report: ({ epoch }) => {
            if (epoch > epochs) stop.abort(new Error("power cut"));
          },
        },
        given,
      ),
  };
}

t.test(
  "a run stopped after an epoch goes on from there and ends with the same record",
  async (t) => {
    const dir = t.testdir({});
    const store = await twinStore("mimic4", 300, dir);
    t.teardown(() => store.close());
    const plan = smallPlan("mortality", "transformer", dir, { epochs: 4, patience: 4 });
    const [whole] = await runSeeds(store, plan, silent);
    const elsewhere = { ...plan, cacheDir: join(dir, "cache2"), resultsDir: join(dir, "results2") };
    const model = stoppedAfter(plan.model, 2);
    await t.rejects(runSeeds(store, { ...elsewhere, model }, silent), /power cut/);
    const folder = join(dir, "cache2", "checkpoints");
    const kept = join(folder, `${whole?.run_id}`);
    t.same(readdirSync(kept), ["train.bin"]);
    for (const path of [folder, kept, join(kept, "train.bin")])
      t.equal(statSync(path).mode & 0o077, 0, `${path} is its owner's`);
    const said: string[] = [];
    const epochs = new Set<string>();
    const progress = {
      ...silent,
      say: (line: string) => said.push(line),
      update: (_: number, note = "") => epochs.add(note.slice(0, 7)),
    };
    const [resumed] = await runSeeds(store, elsewhere, progress);
    t.same(withoutTimes(resumed), withoutTimes(whole));
    t.ok(said.some((line) => /train: an interrupted run left a checkpoint/.test(line)));
    t.notOk(epochs.has("epoch 1") || epochs.has("epoch 2"), "what was done is not done again");
    t.notOk(existsSync(kept), "checkpoints go when the record is there");
  },
);

t.test("a run that is killed resumes too", async (t) => {
  const dir = t.testdir({
    "child.ts": `
      import { runSeeds } from "${packageRoot}/harness/run.ts";
      import { silent, smallPlan, storeOf } from "${packageRoot}/test/support/small-run.ts";
      const [dir, out] = process.argv.slice(2);
      const store = await storeOf("mimic4", dir + "/twin-mimic4-200", dir);
      const plan = smallPlan("readmission", "logistic", dir, {
        epochs: 6, patience: 6, cacheDir: dir + "/" + out + "-cache", resultsDir: dir + "/" + out,
      });
      await runSeeds(store, plan, { ...silent, update: (_, note) => process.stdout.write(note + "\\n") });
      store.close();
    `,
  });
  /** Runs the child; kills it outright when it comes to `epoch`. Returns its last line, and whether it was killed. */
  const run = (out: string, killAt?: string) =>
    new Promise<{ lines: string[]; signal: string | null }>((resolve, reject) => {
      const args = ["--import", "tsx", join(dir, "child.ts"), dir, out];
      const child = spawn(process.execPath, args, { cwd: packageRoot });
      let text = "";
      let errors = "";
      child.stderr.on("data", (data: Buffer) => {
        errors += data.toString();
      });
      child.stdout.on("data", (data: Buffer) => {
        text += data.toString();
        if (killAt !== undefined && text.includes(killAt)) child.kill("SIGKILL");
      });
      child.on("close", (code, signal) => {
        if (code !== 0 && signal === null) reject(new Error(errors));
        else resolve({ lines: text.split("\n"), signal });
      });
    });
  (await twinStore("mimic4", 200, dir)).close();
  await run("whole");
  const killed = await run("killed", "epoch 4");
  t.equal(killed.signal, "SIGKILL");
  t.notOk(existsSync(join(dir, "killed", "runs")), "no record yet");
  const resumed = await run("killed");
  t.notOk(resumed.lines.some((line) => /epoch [123],/.test(line)));
  const [whole] = await readRecords(join(dir, "whole", "runs"));
  const [again] = await readRecords(join(dir, "killed", "runs"));
  t.same(withoutTimes(again), withoutTimes(whole));
});

t.test("checkpoints are kept apart by run and stage", async (t) => {
  const dir = t.testdir({});
  const one = openCheckpoints(dir, "one", () => {});
  await one.save("train", Uint8Array.of(1, 2));
  await one.save("pretrain-a/b", Uint8Array.of(3));
  t.same([...((await one.load("train")) ?? [])], [1, 2]);
  t.same([...((await one.load("pretrain-a/b")) ?? [])], [3]);
  t.equal(await one.load("other"), undefined);
  t.equal(await openCheckpoints(dir, "two", () => {}).load("train"), undefined);
  t.same(readdirSync(join(dir, "checkpoints", "one")).sort(), ["pretrain-a_b.bin", "train.bin"]);
  await one.remove();
  t.equal(await one.load("train"), undefined);
});
