/** Paired differences; quantiles are scipy's: scipy.stats.t.ppf(0.975, n - 1). */
import t from "tap";
import { pairedDifference } from "../../metrics/index.ts";

t.test("mean, deviation and Student's interval of paired differences", async (t) => {
  const found = pairedDifference([0.01, 0.03, -0.01, 0.05, 0.02]);
  // numpy: mean 0.02, std(ddof=1) 0.022360679...; half = 2.7764451 * 0.0223606798 / sqrt(5) = 0.0277644...
  t.ok(Math.abs((found?.mean ?? 0) - 0.02) < 1e-12);
  t.ok(Math.abs((found?.sd ?? 0) - 0.022360679774997897) < 1e-12);
  t.ok(Math.abs((found?.interval?.low ?? 0) - (0.02 - 0.027764451)) < 1e-6);
  t.ok(Math.abs((found?.interval?.high ?? 0) - (0.02 + 0.027764451)) < 1e-6);
  t.equal(found?.n, 5);
});

t.test("many pairs go on where the table of quantiles ends", async (t) => {
  for (const [n, quantile] of [
    [31, 2.0422724563],
    [32, 2.0395134464],
    [61, 2.000297822],
  ] as const) {
    const values = Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const found = pairedDifference(values);
    const half = ((found?.interval?.high ?? 0) - (found?.interval?.low ?? 0)) / 2;
    t.ok(Math.abs((half * Math.sqrt(n)) / (found?.sd ?? 0) - quantile) < 1e-4, `${n} pairs`);
  }
});

t.test("one pair has no interval, none no difference", async (t) => {
  t.same(pairedDifference([0.5]), { mean: 0.5, sd: null, n: 1, interval: null });
  t.equal(pairedDifference([]), null);
});
