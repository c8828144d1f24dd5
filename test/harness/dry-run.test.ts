import t from "tap";
import type { EventStore } from "../../core/event-store.ts";
import { dryRun, dryRunSummary } from "../../harness/dry-run.ts";
import { silent, smallPlan, twinStore } from "../support/small-run.ts";

/** The same store, as if its subjects were real. */
function asReal(store: EventStore): EventStore {
  return new Proxy(store, {
    get(target, name) {
      if (name === "info") return { ...target.info, source: "real" };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

t.test(
  "a dry run tells the plan and the cohort, and no small count of real subjects",
  async (t) => {
    const dir = t.testdir({});
    const store = await twinStore("mimic4", 300, dir);
    t.teardown(() => store.close());
    const plan = smallPlan("los", "logistic", dir);
    const open = await dryRun(store, plan, silent);
    const small = Object.values(open.splits)
      .flatMap(({ classes }) => classes.map((c) => c.positives))
      .filter((n) => Number(n) < 10);
    t.ok(small.length > 0, "a twin shows them");
    const { splits } = open;
    t.equal(
      Object.values(splits).reduce((sum, split) => sum + Number(split.samples), 0),
      open.steps.at(-1)?.samples,
    );

    const masked = await dryRun(asReal(store), plan, silent);
    for (const { subjects, samples, classes } of Object.values(masked.splits))
      for (const cell of [subjects, samples, ...classes.map((c) => c.positives)])
        t.ok(cell === "masked" || Number(cell) >= 10, `${cell}`);
    const text = dryRunSummary(masked);
    t.match(text, /masked/);
    t.match(text, /model: \w+=/);
    t.match(text, /nothing was trained/);
  },
);
