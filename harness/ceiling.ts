/** How well a task can be answered at best on a synthetic twin, whose truth is known. */
import { type BestPossible, bestPossible, macroBestPossible, noCeiling } from "../metrics/index.ts";
import type { RunFacts } from "./build-record.ts";
import { type OrderTruth, readOrderTruth, riskOfClass } from "./order-truth.ts";
import { labelMatrix } from "./train-and-score.ts";

/** On a synthetic twin, the AUPRC of the truth on the held-out samples; null where a task has none to state. */
export async function ceilingOf(facts: RunFacts): Promise<BestPossible | null> {
  const { store, plan } = facts;
  // A flaw makes other labels or scores of them; the true risk is of the task's own.
  if (store.info.source !== "synthetic" || plan.flaws.length > 0) return null;
  const column = plan.task.trueRisk?.(plan.taskOptions) ?? null;
  if (column !== null) return await ofRisk(facts, column);
  const products = plan.task.trueOrders?.(plan.taskOptions);
  return products === undefined ? null : await ofOrders(facts, products);
}

async function ofRisk(facts: RunFacts, column: string): Promise<BestPossible> {
  const truth = await facts.store.query(`SELECT visit_id, ${column} AS risk FROM true_risk`);
  const visits = truth.numbers("visit_id");
  const risks = truth.numbers("risk");
  const riskOf = new Map(Array.from(visits, (visit, i) => [visit, risks[i] as number]));
  const risk = heldOutVisits(facts).map((visit) => riskOf.get(visit) ?? Number.NaN);
  return bestPossible(heldOutLabels(facts), risk, facts.outcome.metrics.auprc.value);
}

async function ofOrders(facts: RunFacts, products: string): Promise<BestPossible> {
  if (facts.store.info.true_orders !== true) {
    return noCeiling(
      "the twin states no probabilities of drug orders: it is older than these (delete it and make it again), or a map by NDC splits the orders of a drug",
    );
  }
  const truth: OrderTruth = await readOrderTruth(facts.store, products, heldOutVisits(facts));
  const classes = facts.prepared.labels.spec.classes.length;
  return macroBestPossible(
    heldOutLabels(facts),
    classes,
    (c) => riskOfClass(truth, c),
    facts.outcome.metrics.auprc.value,
  );
}

const heldOutLabels = ({ prepared }: RunFacts) => labelMatrix(prepared.sources.held_out);

/** Index visit of each held-out sample, [S]. */
function heldOutVisits({ prepared: { labels, sources } }: RunFacts): Float64Array {
  return Float64Array.from(sources.held_out.samples, (i) => labels.visit[i] as number);
}
