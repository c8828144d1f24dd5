/** What a path has fitted, as the parameters of the model's graph. */
import type { Parameters } from "../model-graphs.ts";
import { indexOf, type Rows } from "./objective.ts";
import type { PathFit } from "./path.ts";

type Fitted = Pick<PathFit, "blocks" | "chosen" | "standard">;

/** Names of the windows' tables in the graph, in the order of `BAG_WINDOWS`. */
export const WINDOW_NAMES = ["codes.all", "codes.year", "codes.last"] as const;

/** Rows `from` up to `to` of all classes, [to - from, C]. */
function takeRows({ blocks, chosen }: Fitted, from: number, to: number, rowCount: number) {
  const C = blocks[0]?.classes ?? 0;
  const values = new Float32Array((to - from) * C);
  for (const [b, { first, count }] of blocks.entries()) {
    const x = chosen[b] as Float32Array;
    for (let row = from; row < to; row++)
      for (let k = 0; k < count; k++)
        values[(row - from) * C + first + k] = x[indexOf(row, k, rowCount)] as number;
  }
  return values;
}

/** Tables [V, C] of the windows, and weights [F, C] and biases [C] for a profile that is not standardised. */
export function parametersOf(fit: Fitted, { units, profile, bias, count }: Rows): Parameters {
  const { mean, deviation } = fit.standard;
  const weights = takeRows(fit, profile, bias, count);
  const biases = takeRows(fit, bias, bias + 1, count);
  const C = biases.length;
  for (const [f, by] of deviation.entries())
    for (let c = 0; c < C; c++) {
      const weight = (weights[f * C + c] as number) / by;
      weights[f * C + c] = weight;
      biases[c] = (biases[c] as number) - weight * (mean[f] as number);
    }
  const tables = WINDOW_NAMES.map((name, w) => {
    return [name, takeRows(fit, w * units, (w + 1) * units, count)] as const;
  });
  return new Map([...tables, ["profile.weight", weights], ["profile.bias", biases]]);
}
