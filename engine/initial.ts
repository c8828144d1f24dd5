/** Initial values of parameters: the recipes of models.md 0.7, as functions of a random stream. */
import type { Initializer } from "./graph.ts";

/** Uniform in (-bound, bound). */
export function uniform(bound: number): Initializer {
  return (random, size) =>
    Float32Array.from({ length: size }, () => bound * (2 * random.uniform() - 1));
}

/** Normal with mean 0. */
export function normal(deviation: number): Initializer {
  return (random, size) => Float32Array.from({ length: size }, () => deviation * random.normal());
}

/** Uniform within ±sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
export function xavierUniform(fanIn: number, fanOut: number): Initializer {
  return uniform(Math.sqrt(6 / (fanIn + fanOut)));
}

export const zeros: Initializer = (_, size) => new Float32Array(size);
export const ones: Initializer = (_, size) => new Float32Array(size).fill(1);

/** Given values. @throws when their number is not that of the parameter. */
export function given(values: Float32Array): Initializer {
  return (_, size) => {
    if (values.length !== size)
      throw new Error(`initial values: ${values.length} given, ${size} wanted`);
    return values.slice();
  };
}
