/** Layers in plain loops over float64, in the order of time and without batches: the second computation of tests. */
import type { History } from "../../core/samples.ts";
import { learnedTokenizer, type MadeSample } from "./samples.ts";

export type Vector = number[];
type Parameters = ReadonlyMap<string, Float32Array>;

function of(parameters: Parameters, name: string): Float32Array {
  const values = parameters.get(name);
  if (values === undefined) throw new Error(`no parameter ${name}`);
  return values;
}

/** x W for W [x, columns], row-major. */
function times(x: readonly number[], W: Float32Array): Vector {
  const columns = W.length / x.length;
  return Array.from({ length: columns }, (_, j) =>
    x.reduce((sum, value, i) => sum + value * (W[i * columns + j] as number), 0),
  );
}

/** x W + b with the parameters `<name>.weight` and `<name>.bias`. */
export function affinePlain(parameters: Parameters, name: string, x: readonly number[]): Vector {
  const bias = of(parameters, `${name}.bias`);
  return times(x, of(parameters, `${name}.weight`)).map((y, j) => y + (bias[j] as number));
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** States after each step of the cell of models.md 0.5, from a state of zeros. */
export function gruPlain(
  parameters: Parameters,
  name: string,
  H: number,
  steps: readonly (readonly number[])[],
): Vector[] {
  const bias = of(parameters, `${name}.bias`);
  const inner = of(parameters, `${name}.recurrentBias`);
  let h: Vector = new Array<number>(H).fill(0);
  return steps.map((x) => {
    const W = times(x, of(parameters, `${name}.input`)).map((y, j) => y + (bias[j] as number));
    const U = times(h, of(parameters, `${name}.recurrent`));
    const at = (values: Vector, j: number) => values[j] as number;
    h = h.map((before, j) => {
      const r = sigmoid(at(W, j) + at(U, j));
      const z = sigmoid(at(W, H + j) + at(U, H + j));
      const c = Math.tanh(at(W, 2 * H + j) + r * (at(U, 2 * H + j) + (inner[j] as number)));
      return z * before + (1 - z) * c;
    });
    return h;
  });
}

/** Row of a table [rows, width]. */
export function rowPlain(values: ArrayLike<number>, row: number, width: number): Vector {
  return Array.from({ length: width }, (_, i) => values[row * width + i] as number);
}

/** E[c] of a code of the made-up code table. */
export function codePlain(parameters: Parameters, code: number, width: number): Vector {
  const unit = learnedTokenizer().unit[code] as number;
  return rowPlain(of(parameters, "codes.table"), unit, width);
}

/** Σ E[c] of each visit, in time order. */
export function visitSumsPlain(parameters: Parameters, history: History, width: number): Vector[] {
  const sums = Array.from({ length: history.visitCount }, () => new Array<number>(width).fill(0));
  for (let i = 0; i < history.length; i++) {
    const visit = history.visit[i] as number;
    const vector = codePlain(parameters, history.code[i] as number, width);
    sums[visit] = vector.map((x, j) => x + (sums[visit]?.[j] as number));
  }
  return sums;
}

/** Age, its square, sex and race, as `subjectFacts` lays them out. */
export function factsPlain({ ageYears, sex, race, history }: MadeSample): Vector {
  const known = !Number.isNaN(ageYears);
  const years = known ? (ageYears - 60) / 20 : 0;
  const oneHot = (n: number, at: number) => Array.from({ length: n }, (_, i) => Number(i === at));
  const facts = [years, known ? 1 : 0, years * years, ...oneHot(3, sex), ...oneHot(4, race)];
  return [...facts, ...utilisationPlain(history)];
}

/** Visits before the last, the gap before it, and its length, from the ends of the visits. */
function utilisationPlain({ visitCount, visitStart, visitEnd }: MadeSample["history"]): Vector {
  const [start, end] = [visitStart.at(visitCount - 1), visitEnd.at(visitCount - 1)];
  if (visitCount === 0 || start === undefined || end === undefined) return [0, 0, 0, 0];
  const gap = (visitCount > 1 ? (visitEnd[visitCount - 2] ?? NaN) : NaN) - start;
  const recency = gap > 0 ? 1 / (1 + gap / 30) : Number(gap <= 0);
  const length = Number.isNaN(end) ? 0 : Math.log(1 + start - end);
  return [Math.log(visitCount), recency, length, Number(!Number.isNaN(end))];
}

/** A number of days as models read it: log(1 + days) / 10. */
export function daysPlain(days: number): number {
  return Math.log1p(days) / 10;
}
