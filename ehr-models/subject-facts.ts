/** What is known of the subject beside the codes, as one row of numbers that enters a model's last layer. */
import type { Tensor } from "../engine/graph.ts";
import { equals, mul } from "../engine/ops/elementwise.ts";
import { concat, reshape, slice } from "../engine/ops/layout.ts";
import type { ForwardContext } from "./model-graphs.ts";

/** Columns that `subjectFacts` reads. */
export const FACT_COLUMNS = ["sex", "race", "age", "utilisation"] as const;

/** 1 where ids [B] equal 0, 1, ... count - 1: [B, count]. */
function oneHot(ids: Tensor, count: number): Tensor {
  return concat(
    Array.from({ length: count }, (_, value) => reshape(equals(ids, value), ["B", 1])),
    1,
  );
}

/** Age (linear and squared), sex, race and utilisation of each sample, [B, F]. */
export function subjectFacts(context: ForwardContext<unknown>): Tensor {
  const { inputs, raceCount } = context;
  const age = inputs["age"] as Tensor; // [B, 2]: scaled years, known
  const years = slice(age, 1, 0, 1);
  const sex = oneHot(inputs["sex"] as Tensor, 3);
  const race = oneHot(inputs["race"] as Tensor, raceCount);
  const utilisation = inputs["utilisation"] as Tensor;
  return concat([age, mul(years, years), sex, race, utilisation], 1);
}
