/** The decoder of ETHOS written out in plain loops and float64, to hold the graphs against. */
import { erf } from "mathjs";
import type { Network } from "../../ehr-models/ethos/network.ts";

type Matrix = number[][];
type Values = ReadonlyMap<string, Float32Array>;

function weights(values: Values, name: string, columns: number): Matrix {
  const flat = [...(values.get(name) ?? [])];
  return Array.from({ length: flat.length / columns }, (_, r) =>
    flat.slice(r * columns, (r + 1) * columns),
  );
}

const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * (b[i] ?? Number.NaN), 0);
const times = (x: readonly number[], w: Matrix) =>
  (w[0] ?? []).map((_, c) => x.reduce((sum, v, r) => sum + v * (w[r]?.[c] ?? Number.NaN), 0));
const plus = (a: readonly number[], b: readonly number[]) =>
  a.map((x, i) => x + (b[i] ?? Number.NaN));

export function softmax(z: readonly number[]): number[] {
  const top = Math.max(...z);
  const e = z.map((x) => Math.exp(x - top));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / sum);
}

function layerNorm(x: readonly number[], values: Values, name: string): number[] {
  const mean = x.reduce((a, b) => a + b, 0) / x.length;
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / x.length;
  const gain = values.get(`${name}.gain`) ?? [];
  const bias = values.get(`${name}.bias`) ?? [];
  return x.map(
    (v, i) => ((v - mean) / Math.sqrt(variance + 1e-5)) * (gain[i] ?? 0) + (bias[i] ?? 0),
  );
}

const gelu = (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2));

function attend(q: Matrix, k: Matrix, v: Matrix, { heads, width }: Network): Matrix {
  const w = width / heads;
  const part = (row: readonly number[] | undefined, h: number) =>
    (row ?? []).slice(h * w, (h + 1) * w);
  return q.map((query, i) =>
    Array.from({ length: heads }, (_, h) => h).flatMap((h) => {
      const scores = k.slice(0, i + 1).map((key) => dot(part(query, h), part(key, h)));
      const p = softmax(scores.map((s) => s / Math.sqrt(w)));
      return p.reduce<number[]>(
        (sum, share, j) =>
          plus(
            sum,
            part(v[j], h).map((x) => share * x),
          ),
        Array(w).fill(0),
      );
    }),
  );
}

/** What stands beside the positions of a row: weights of its tokens, of all and of the latest stay, and facts. */
export interface PlainStanding {
  readonly ever: Matrix;
  readonly latest: Matrix;
  readonly facts: Matrix;
}

/** Probabilities of the next token after each position of one row. */
export function plainDecoder(
  network: Network,
  values: Values,
  tokens: ArrayLike<number>,
  standing?: PlainStanding,
): Matrix {
  const { width: d, feedForward: f, layers } = network;
  const E = weights(values, "tokens", d);
  const P = weights(values, "positions", d);
  let x = Array.from(tokens, (token, i) => plus(E[token] ?? [], P[i] ?? []));
  for (let n = 0; n < layers; n++) {
    const at = (name: string) => `layer${n}.${name}`;
    const w = (name: string, columns: number) => weights(values, at(`${name}.weight`), columns);
    const unit = x.map((row) => layerNorm(row, values, at("norm1")));
    const [q, k, v] = ["query", "key", "value"].map((name) =>
      unit.map((r) => times(r, w(name, d))),
    );
    const attended = attend(q ?? [], k ?? [], v ?? [], network);
    const y = x.map((row, i) => plus(row, times(attended[i] ?? [], w("output", d))));
    x = y.map((row) => {
      const inner = times(layerNorm(row, values, at("norm2")), w("expand", f)).map(gelu);
      return plus(row, times(inner, w("contract", d)));
    });
  }
  const beside = (i: number) => {
    const vectors = Array.from(tokens, (token) => E[token] ?? []);
    const through = (name: string, row: readonly number[] | undefined) =>
      times(row ?? [], weights(values, `${name}.weight`, d));
    const ever = through("ever", times(standing?.ever[i] ?? [], vectors));
    const latest = through("latest", times(standing?.latest[i] ?? [], vectors));
    return plus(plus(ever, latest), through("facts", standing?.facts[i]));
  };
  return x.map((row, i) => {
    const alone = layerNorm(row, values, "norm");
    const h = standing === undefined ? alone : plus(alone, beside(i));
    return softmax(E.map((e) => dot(h, e)));
  });
}
