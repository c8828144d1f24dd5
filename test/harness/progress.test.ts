/** What a run says on stderr while it goes on: one line a stage, in the order in which they happen. */
import t from "tap";
import type { EpochReport } from "../../core/model.ts";
import { openProgress, StageProgress } from "../../harness/progress.ts";
import { runSeeds } from "../../harness/run.ts";
import { smallPlan, twinStore } from "../support/small-run.ts";

/** A progress display that is no terminal, and the lines it wrote so far. */
function listen() {
  const lines: string[] = [];
  const stream = {
    isTTY: false,
    write: (text: string) => lines.push(...text.trimEnd().split("\n")) > 0,
  };
  return { lines, progress: openProgress(stream as unknown as NodeJS.WriteStream) };
}

/** `edges mult-ehr, seed 0: done in 0.1 s, loss 1.0` without the numbers of seconds and losses. */
const withoutNumbers = (line: string) =>
  line
    .replace(/done in [\d.]+ s/, "done")
    .replace(/loss \d+\.\d+/, "loss")
    .replace(/epoch \d/, "epoch");

t.test("each stage of a run has its line, pretraining before training", async (t) => {
  const dir = t.testdir({});
  const store = await twinStore("mimic4", 120, dir);
  t.teardown(() => store.close());
  const linesOf = async (pretrainEpochs: number) => {
    const { lines, progress } = listen();
    await runSeeds(store, smallPlan("mortality", "mult-ehr", dir, { pretrainEpochs }), progress);
    return lines.map(withoutNumbers).filter((line) => line.includes("mult-ehr"));
  };
  t.same(await linesOf(1), [
    "prepare mult-ehr, seed 0: done",
    "edges mult-ehr, seed 0: done, loss",
    "tasks mult-ehr, seed 0: done, loss",
    "train mult-ehr, seed 0: done, best epoch of 2",
  ]);
  t.same(await linesOf(0), [
    "prepare mult-ehr, seed 0: done",
    "train mult-ehr, seed 0: done, best epoch of 2",
  ]);
});

t.test("no stage is said to be done before it began", (t) => {
  const { lines, progress } = listen();
  const stages = new StageProgress(progress, "toy, seed 3");
  t.same(lines, []);
  const step = (stage: string | undefined, epoch: number): EpochReport => ({
    ...(stage === undefined ? {} : { stage }),
    ...{ epoch, epochs: 2, step: 5, steps: 5, loss: 0.25 },
  });
  stages.report(step("hidden", 1));
  t.same(lines.map(withoutNumbers), ["prepare toy, seed 3: done"]);
  stages.report(step("hidden", 2));
  stages.report(step(undefined, 1));
  t.equal(lines.length, 2);
  t.match(lines[1], /^hidden toy, seed 3: done in [\d.]+ s, loss 0.2500$/);
  stages.end("best epoch 1 of 1");
  t.match(lines[2], /^train toy, seed 3: done in [\d.]+ s, best epoch 1 of 1$/);
  t.end();
});
