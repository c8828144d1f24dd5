import t from "tap";
import { retain, retainModel, retainParts } from "../../ehr-models/retain.ts";
import { type ModelValues, modelValues } from "../support/model-values.ts";
import {
  affinePlain,
  codePlain,
  daysPlain,
  factsPlain,
  gruPlain,
  rowPlain,
  type Vector,
  visitSumsPlain,
} from "../support/plain-layers.ts";
import {
  CODE_COUNT,
  contextOf,
  LABELS,
  type MadeSample,
  makeSamples,
  sourceOf,
} from "../support/samples.ts";
import { shuffledWithinVisits, turnedVisits } from "../support/turned.ts";

const SIZES = { width: 6, alphaHidden: 5, betaHidden: 4, maxVisits: 5, initialScale: 1 };
const { width: m, maxVisits: T } = SIZES;
const samples = makeSamples(6, LABELS.multiclass, 4);
const train = sourceOf(samples, LABELS.multiclass);
const parts = (settings: Record<string, number | boolean> = {}, source = train) =>
  modelValues(retainModel, source, { ...SIZES, ...settings }, (context) => ({
    ...retainParts(context),
  }));

const parameter = ({ parameters }: ModelValues, name: string) =>
  Array.from(parameters.get(name) ?? []);
const dot = (a: Vector, b: Vector) => a.reduce((s, x, i) => s + x * (b[i] as number), 0);

/** s f. */
const scaledFacts = (sample: MadeSample) =>
  factsPlain(sample).map((x) => retainModel.defaults.factsScale * x);

/** Equations of the paper, in time order and without padding: α, β by visit, and the logits. */
function retainPlain(run: ModelValues, sample: MadeSample) {
  const { history } = sample;
  const v = visitSumsPlain(run.parameters, history, m);
  const x = v.map((visit, t) => [...visit, daysPlain(history.visitStart[t] as number)]);
  const lookingBack = (name: string, width: number) =>
    gruPlain(run.parameters, name, width, [...x].reverse()).reverse();
  const scores = lookingBack("gruAlpha", 5).map((g) => affinePlain(run.parameters, "alpha", g)[0]);
  const weights = scores.map((s) => Math.exp(s ?? 0));
  const total = weights.reduce((a, b) => a + b, 0);
  const alpha = weights.map((w) => w / total);
  const beta = lookingBack("gruBeta", 4).map((h) =>
    affinePlain(run.parameters, "beta", h).map(Math.tanh),
  );
  const summary = Array.from({ length: m }, (_, j) =>
    v.reduce((s, visit, t) => s + (alpha[t] ?? 0) * (beta[t]?.[j] ?? 0) * (visit[j] ?? 0), 0),
  );
  const logits = affinePlain(run.parameters, "output", [...summary, ...scaledFacts(sample)]);
  return { alpha, beta, logits };
}

const isNear = (a: number, b: number) => Math.abs(a - b) < 1e-5 * Math.max(1, Math.abs(b));
/** Samples whose codes are not repeated within a visit, as the harness gives them. */
const once = sourceOf(samples.map(withoutRepeats), LABELS.multiclass);

function withoutRepeats(sample: MadeSample): MadeSample {
  const { history } = sample;
  const seen = new Set<string>();
  const rows = Array.from({ length: history.length }, (_, i) => i).filter((i) => {
    const key = `${history.visit[i]} ${history.code[i]}`;
    return !seen.has(key) && seen.add(key) !== undefined;
  });
  const pick = <A extends Int32Array | Uint8Array | Float32Array>(values: A) =>
    (values as Float32Array).filter((_, i) => rows.includes(i)) as unknown as A;
  return {
    ...sample,
    history: {
      ...history,
      length: rows.length,
      code: pick(history.code),
      kind: pick(history.kind),
      visit: pick(history.visit),
      daysBefore: pick(history.daysBefore),
    },
  };
}

t.test(
  "attentions and logits are those of the paper's equations, visit by visit (R1)",
  async (t) => {
    const run = await parts({}, once);
    for (const [b, sample] of samples.map(withoutRepeats).entries()) {
      const { visitCount } = sample.history;
      const plain = retainPlain(run, sample);
      for (let v = 0; v < visitCount; v++) {
        const slot = b * T + (visitCount - 1 - v); // latest first
        t.ok(isNear(run.of["alpha"]?.values[slot] as number, plain.alpha[v] as number), "α");
        const beta = rowPlain(run.of["beta"]?.values ?? [], slot, m);
        t.ok(
          beta.every((x, j) => isNear(x, plain.beta[v]?.[j] as number)),
          "β",
        );
      }
      const logits = rowPlain(run.of["logits"]?.values ?? [], b, 3);
      t.ok(
        logits.every((z, k) => isNear(z, plain.logits[k] as number)),
        `${logits}`,
      );
    }
    t.ok(
      samples.some(({ history }) => history.visitCount > 2),
      "with visits that could be taken in the wrong order",
    );
  },
);

t.test(
  "α sums to 1 over the visits that are there, and padding takes no part in it (R2, R3)",
  async (t) => {
    const run = await parts();
    const wider = await parts({ maxVisits: 9 });
    const alpha = run.of["alpha"]?.values ?? new Float32Array();
    for (const [b, { history }] of samples.entries()) {
      const row = rowPlain(alpha, b, T);
      const there = row.slice(0, history.visitCount);
      t.ok(
        isNear(
          there.reduce((a, x) => a + x, 0),
          1,
        ),
      );
      t.ok(row.slice(history.visitCount).every((x) => x === 0));
      if (history.visitCount > 1) t.ok(Math.max(...there) < 0.999, "it is not 1 for every visit");
    }
    const logits = Array.from(run.of["logits"]?.values ?? []);
    t.ok(logits.every((z, i) => isNear(z, wider.of["logits"]?.values[i] as number)));
  },
);

t.test("the contributions of codes and facts, and the bias, add up to the logit", async (t) => {
  const run = await parts({}, once);
  const W = parameter(run, "output.weight"); // [(m + F), 3]
  const bias = parameter(run, "output.bias");
  for (const [b, sample] of samples.map(withoutRepeats).entries()) {
    const { history } = sample;
    for (let k = 0; k < 3; k++) {
      const column = Array.from({ length: W.length / 3 }, (_, i) => W[3 * i + k] as number);
      let logit = (bias[k] as number) + dot(scaledFacts(sample), column.slice(m));
      for (let i = 0; i < history.length; i++) {
        const slot = b * T + (history.visitCount - 1 - (history.visit[i] as number));
        const alpha = run.of["alpha"]?.values[slot] as number;
        const beta = rowPlain(run.of["beta"]?.values ?? [], slot, m);
        const weighted = codePlain(run.parameters, history.code[i] as number, m).map(
          (e, j) => alpha * (beta[j] as number) * e,
        );
        logit += dot(weighted, column.slice(0, m));
      }
      t.ok(isNear(run.of["logits"]?.values[3 * b + k] as number, logit));
    }
  }
});

t.test(
  "turning the visits around changes the prediction, turning codes of a visit does not",
  async (t) => {
    const base = samples.find(({ history }) => history.visitCount > 2) as MadeSample;
    const others = [turnedVisits(base), shuffledWithinVisits(base)];
    const run = await parts({}, sourceOf([base, ...others], LABELS.multiclass));
    const logits = run.of["logits"]?.values ?? [];
    t.notOk(isNear(logits[0] as number, logits[3] as number));
    t.ok(isNear(logits[0] as number, logits[6] as number));
  },
);

t.test(
  "a visit is a sum that its latest codes make, not more than maxVisitCodes (R6)",
  async (t) => {
    const run = await parts({ maxVisitCodes: 1 });
    const { history } = samples[0] as MadeSample;
    const last = history.visitCount - 1;
    const rows = Array.from({ length: history.length }, (_, i) => i);
    const latest = rows.filter((i) => history.visit[i] === last).at(-1) ?? 0;
    const v = rowPlain(run.of["visits"]?.values ?? [], 0, m);
    const wanted = codePlain(run.parameters, history.code[latest] as number, m);
    t.ok(v.every((x, j) => isNear(x, wanted[j] as number)));
  },
);

t.test("it has as many parameters as its equations say", async (t) => {
  const sizes = { width: 10, alphaHidden: 6, betaHidden: 7 };
  const cell = (d: number, H: number) => 3 * (d * H + H * H) + 4 * H;
  const model = await retain.fit(contextOf({ train, epochs: 1 }), { ...sizes, maxVisits: 4 });
  const heads = 6 + 1 + (7 * 10 + 10);
  const facts = 3 + 3 + 4 + 4;
  t.equal(
    model.summary.parameters,
    (CODE_COUNT + 2) * 10 + cell(11, 6) + cell(11, 7) + heads + (10 + facts) * 3 + 3,
  );
  await model.dispose();
});

t.test("the paper's sizes have the paper's parameters beside the table of codes", async (t) => {
  const binary = sourceOf(makeSamples(4, LABELS.binary), LABELS.binary);
  const settings = { ...retain.presets["paper"], maxVisits: 2 };
  const model = await retain.fit(contextOf({ train: binary, epochs: 1 }), settings);
  // 214,146 with one bias per gate; the cell here has a second bias inside the reset product.
  t.equal(model.summary.parameters - (CODE_COUNT + 2) * 128, 214_146 + 2 * 128);
  await model.dispose();
});
