/** Histories whose codes or visits stand in another order, for tests of what order means to a model. */
import type { MadeSample } from "./samples.ts";

const backwards = <A extends Int32Array | Uint8Array | Float32Array>(values: A): A =>
  values.slice().reverse() as A;

/** The same codes in the same visits, written in the opposite order. */
export function shuffledWithinVisits(sample: MadeSample): MadeSample {
  const { history } = sample;
  return {
    ...sample,
    history: {
      ...history,
      code: backwards(history.code),
      kind: backwards(history.kind),
      visit: backwards(history.visit),
      daysBefore: backwards(history.daysBefore),
    },
  };
}

/** The codes of the first visit in the last one, and so on. */
export function turnedVisits(sample: MadeSample): MadeSample {
  const { history } = sample;
  const visit = history.visit.map((v) => history.visitCount - 1 - v);
  return { ...sample, history: { ...history, visit } };
}
