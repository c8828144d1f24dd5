/** L-BFGS on functions whose minima are known. */
import t from "tap";
import { type Evaluate, type Minimum, minimise } from "../../../ehr-models/logistic/lbfgs.ts";

interface Run extends Minimum {
  readonly x: Float64Array;
  readonly values: readonly number[];
  readonly evaluations: number;
}

function run(
  evaluate: Evaluate,
  start: readonly number[],
  more: { tolerance?: number; memory?: number; maxIterations?: number; diagonal?: number[] } = {},
): Run {
  const x = Float64Array.from(start);
  const { diagonal = start.map(() => 1), tolerance = 1e-20, ...rest } = more;
  let evaluations = 0;
  const counted: Evaluate = (at, gradient) => {
    evaluations++;
    return evaluate(at, gradient);
  };
  const steps = minimise({
    ...rest,
    x,
    tolerance,
    evaluate: counted,
    diagonal: Float64Array.from(diagonal),
  });
  const values: number[] = [];
  let state = steps.next();
  for (; state.done !== true; state = steps.next()) values.push(state.value.value);
  return { ...state.value, x, values, evaluations };
}

/** ½ Σ curvature_i (x_i - i)². */
function quadratic(curvature: readonly number[]): Evaluate {
  return (x, gradient) => {
    let value = 0;
    for (const [i, c] of curvature.entries()) {
      const gap = (x[i] as number) - i;
      gradient[i] = c * gap;
      value += (c * gap * gap) / 2;
    }
    return value;
  };
}

/** 100 (x_1 - x_0²)² + (1 - x_0)², a bent valley that is not convex. */
const rosenbrock: Evaluate = (x, gradient) => {
  const [a = 0, b = 0] = x;
  const bend = b - a * a;
  gradient[0] = -400 * a * bend - 2 * (1 - a);
  gradient[1] = 200 * bend;
  return 100 * bend * bend + (1 - a) ** 2;
};

const near = (a: ArrayLike<number>, b: ArrayLike<number>, gap: number) =>
  Array.from(a).every((v, i) => Math.abs(v - (b[i] ?? Number.NaN)) < gap);

t.test("it finds the minimum of quadratics, however long their valleys", async (t) => {
  for (const curvature of [[1], [1, 2, 3, 4, 5], [1e-3, 1, 1e3], [1, 1, 1, 1, 1, 1, 1e4]]) {
    const start = curvature.map(() => 7);
    const found = run(quadratic(curvature), start);
    t.ok(near(found.x, [0, 1, 2, 3, 4, 5, 6], 1e-6), `${curvature}: ${found.x}`);
    t.match(found.stoppedBy, /converged|precision/);
    t.ok(found.iterations < 60, `${found.iterations} iterations`);
  }
});

t.test("with the true diagonal it is there in one step", async (t) => {
  const curvature = [1e-3, 1, 1e3, 50];
  const known = { diagonal: curvature.map((c) => 1 / c), tolerance: 1e-12 };
  t.equal(run(quadratic(curvature), [9, 9, 9, 9], known).iterations, 1);
  t.ok(run(quadratic(curvature), [9, 9, 9, 9], { tolerance: 1e-12 }).iterations > 3);
});

t.test("it follows Rosenbrock's valley, and never climbs", async (t) => {
  for (const memory of [1, 3, 10]) {
    const found = run(rosenbrock, [-1.2, 1], { memory });
    t.ok(near(found.x, [1, 1], 1e-6), `memory ${memory}: ${found.x}`);
    t.ok(found.value < 1e-14);
    const before = [Number.POSITIVE_INFINITY, ...found.values];
    t.ok(found.values.every((v, i) => v < (before[i] ?? 0)));
  }
  const one = run(rosenbrock, [-1.2, 1], { memory: 1 }).iterations;
  t.ok(run(rosenbrock, [-1.2, 1], { memory: 10 }).iterations < one, "what it remembers helps");
});

t.test("it stops where it was told to, and says why", async (t) => {
  const far = run(rosenbrock, [-1.2, 1], { maxIterations: 3 });
  t.match(far, { iterations: 3, stoppedBy: "iterations" });
  t.equal(far.value, rosenbrock(far.x, new Float64Array(2)), "x is where the value is");
  const loose = run(quadratic([1, 2, 3]), [5, 5, 5], { tolerance: 1e-2 });
  t.match(loose, { stoppedBy: "converged" });
  t.ok(loose.value < 1e-1 && loose.value >= 0);
  const done = run(quadratic([1, 2]), [0, 1]);
  t.match(done, { iterations: 0, stoppedBy: "converged", evaluations: 1 });
  const none = run(() => Number.NaN, [1]);
  t.match(none, { iterations: 0, stoppedBy: "not-finite" });
  t.same([...none.x], [1]);
});

t.test("a step that leaves the function's domain is shortened", async (t) => {
  /** x - log x, least at 1; no number for x <= 0. */
  const barrier: Evaluate = (x, gradient) => {
    const [a = 0] = x;
    gradient[0] = 1 - 1 / a;
    return a > 0 ? a - Math.log(a) : Number.NaN;
  };
  t.ok(near(run(barrier, [5], { diagonal: [100] }).x, [1], 1e-6));
});
