/** The loss of the fit against differences, against the model's own graph, and against scikit-learn. */
import t from "tap";
import type { LabelKind } from "../../../core/label.ts";
import { Random } from "../../../core/random.ts";
import { bagInputs } from "../../../ehr-models/bag-inputs.ts";
import { prepare } from "../../../ehr-models/graph-model.ts";
import { type Design, designOf, labelsOf } from "../../../ehr-models/logistic/design.ts";
import { minimise } from "../../../ehr-models/logistic/lbfgs.ts";
import {
  type Block,
  indexOf,
  objectiveOf,
  type Penalty,
  penaltyAt,
  predictBlock,
  rowsOf,
} from "../../../ehr-models/logistic/objective.ts";
import { parametersOf } from "../../../ehr-models/logistic/parameters.ts";
import { blocksOf } from "../../../ehr-models/logistic/path.ts";
import { diagonalOf, startOf } from "../../../ehr-models/logistic/start.ts";
import { logisticModel } from "../../../ehr-models/logistic.ts";
import { makeTrainer, trainingBatch } from "../../../ehr-models/model-graphs.ts";
import { contextOf, LABELS, makeSamples, sourceOf } from "../../support/samples.ts";

const NONE: Penalty = { inverse: Number.POSITIVE_INFINITY, profileShare: 1 };

function drawn(size: number, scale: number): Float64Array {
  const random = Random.fromSeed(4).derive("x");
  return Float64Array.from({ length: size }, () => scale * random.normal());
}

/** A made-up split and its blocks. */
function made(kind: LabelKind, size: number) {
  const spec = LABELS[kind];
  const train = sourceOf(makeSamples(size, spec), spec);
  const context = contextOf({ train });
  const design = designOf(train, context.tokenizer);
  return { train, context, design, y: labelsOf(train), blocks: blocksOf(context) };
}

for (const kind of ["binary", "multiclass", "multilabel"] as const) {
  t.test(`${kind}: the gradient is that of differences, penalty and all`, async (t) => {
    const { design, y, blocks } = made(kind, 12);
    const [block] = blocks as [Block];
    const rows = rowsOf(design.units, design.width);
    const evaluate = objectiveOf(design, y, block, { inverse: 0.7, profileShare: 0.4 });
    const x = startOf(design, y, block);
    const some = drawn(x.length, 0.3);
    for (let row = 0; row < rows.count; row++)
      for (let k = 0; k < block.count; k++) {
        const i = indexOf(row, k, rows.count);
        x[i] = (x[i] as number) + (some[i] as number);
      }
    const gradient = new Float64Array(x.length);
    evaluate(x, gradient);
    const scratch = new Float64Array(x.length);
    let worst = 0;
    for (let row = 0; row < rows.count; row += row < rows.profile ? 7 : 1)
      for (let k = 0; k < block.count; k++) {
        const i = indexOf(row, k, rows.count);
        const at = (h: number) => evaluate(x.with(i, (x[i] as number) + h), scratch);
        const difference = (at(1e-5) - at(-1e-5)) / 2e-5;
        worst = Math.max(worst, Math.abs(difference - (gradient[i] as number)));
      }
    t.ok(worst < 1e-9, `differs by ${worst}`);
  });

  t.test(`${kind}: loss, gradient and probabilities are those of the model's graph`, async (t) => {
    const { train, context, design, y, blocks } = made(kind, 40);
    const rows = rowsOf(design.units, design.width);
    const setup = prepare(logisticModel, context, {});
    const source = bagInputs(train, context.tokenizer);
    const C = train.labelSpec.classes.length;
    const standard = {
      mean: new Float64Array(design.width),
      deviation: new Float64Array(design.width).fill(1),
    };
    const asParameters = (x: readonly Float64Array[]) => {
      const chosen = x.map((values) => Float32Array.from(values));
      return parametersOf({ blocks, chosen, standard }, rows);
    };
    const xs = blocks.map((block) => drawn(startOf(design, y, block).length, 0.2));
    const trainer = await makeTrainer(setup, source, context, asParameters(xs));
    const everyone = Int32Array.from({ length: train.size }, (_, i) => i);
    const loss = await trainer.accumulate([trainingBatch(source, train, everyone)]);
    const gradients = xs.map((x) => new Float64Array(x.length));
    const mean = kind === "multiclass" ? 1 : C; // the graph's loss is a mean over labels
    let ours = 0;
    for (const [b, block] of blocks.entries())
      ours +=
        objectiveOf(design, y, block, NONE)(xs[b] as Float64Array, gradients[b] as Float64Array) /
        mean;
    t.ok(Math.abs(ours - loss) < 1e-5 * loss, `${ours} and ${loss}`);
    for (const [name, values] of asParameters(gradients)) {
      const theirs = trainer.state.gradient(name);
      t.equal(theirs.length, values.length);
      const worst = values.reduce(
        (most, v, i) => Math.max(most, Math.abs(v / mean - (theirs[i] as number))),
        0,
      );
      t.ok(worst < 1e-6, `${name}: differs by ${worst}`);
      t.ok(
        theirs.some((v) => Math.abs(v) > 1e-4),
        `${name}: the gradient is not nothing`,
      );
    }
    await trainer.release();
  });
}

t.test("nothing but biases is free of the penalty", async (t) => {
  const { design, y, blocks } = made("multilabel", 12);
  const [block] = blocks as [Block];
  const rows = rowsOf(design.units, design.width);
  const penalty = { inverse: 0.5, profileShare: 0.25 };
  const value = (row: number) => {
    const x = new Float64Array(startOf(design, y, block).length);
    x[indexOf(row, 1, rows.count)] = 3;
    return penaltyAt(design, penalty, x);
  };
  const whole = 9 / (2 * 0.5 * 12);
  t.ok(Math.abs(value(0) - whole) < 1e-12);
  t.ok(Math.abs(value(rows.profile - 1) - whole) < 1e-12);
  t.ok(Math.abs(value(rows.profile) - whole / 4) < 1e-12);
  t.equal(value(rows.bias), 0);
});

/** Forty samples of three units and two numbers, by rules that any language can repeat. */
function table(): { design: Design; classOf: (i: number) => number } {
  const cells: number[] = [];
  const start = [0];
  const profile: number[] = [];
  for (let i = 0; i < 40; i++) {
    for (let u = 0; u < 3; u++)
      if ((7 * i + 3 * u) % 5 < 2)
        cells.push(u + 3 * (Number((i + u) % 2 === 0) + 2 * Number((i + u) % 3 === 0)));
    start.push(cells.length);
    profile.push((i % 9) / 4 - 1, ((5 * i) % 7) / 3 - 1);
  }
  const design = {
    size: 40,
    units: 3,
    width: 2,
    start: Int32Array.from(start),
    cells: Int32Array.from(cells),
    profile: Float32Array.from(profile),
  };
  return { design, classOf: (i) => ((11 * i) % 17) % 3 };
}

/**
 * Of that table, with all columns side by side: scikit-learn 1.9.1,
 * `LogisticRegression(C=2, tol=1e-12, max_iter=100000).fit(X, y)`: weights, then the bias; of several classes, less
 * the mean bias, as only differences count.
 */
const BINARY = [
  ...[-0.285584, -0.067117, -0.124456, 0.202935, -0.926574, 0.119682, 1.002796, -1.38547],
  ...[0.157048, 2.162758, -0.010341, -0.717129],
];
const MULTINOMIAL = [
  [
    ...[-0.281259, -0.063174, -0.141089, 0.184041, -0.735887, 0.129654, 0.852433, -1.21354],
    ...[0.163393, 1.652888, -0.027252, 0.048442],
  ],
  [
    ...[0.217439, -0.161864, -0.09862, -0.357251, 0.576775, 0.30921, -0.170312, 0.518318],
    ...[0.114097, -0.352494, -0.118729, 0.235872],
  ],
  [
    ...[0.06382, 0.225038, 0.239709, 0.17321, 0.159112, -0.438864, -0.682121, 0.695222],
    ...[-0.27749, -1.300394, 0.14598, -0.284314],
  ],
];

function solve(design: Design, y: Uint8Array, block: Block): Float64Array {
  const penalty = { inverse: 2, profileShare: 1 };
  const x = startOf(design, y, block);
  const evaluate = objectiveOf(design, y, block, penalty);
  const diagonal = diagonalOf(design, y, block, penalty);
  const steps = minimise({ x, evaluate, diagonal, tolerance: 1e-16 });
  while (steps.next().done !== true);
  return x;
}

t.test("its coefficients are scikit-learn's", async (t) => {
  const { design, classOf } = table();
  const { count, bias } = rowsOf(design.units, design.width);
  const rowsFor = (x: Float64Array, k: number) =>
    Array.from({ length: count }, (_, row) => x[indexOf(row, k, count)] as number);
  const furthest = (a: readonly number[], b: readonly number[]) =>
    Math.max(...a.map((v, i) => Math.abs(v - (b[i] ?? Number.NaN))));

  const first = Uint8Array.from({ length: 40 }, (_, i) => Number(classOf(i) === 0));
  const one = { first: 0, count: 1, classes: 1, isExclusive: false };
  const binary = rowsFor(solve(design, first, one), 0);
  t.ok(furthest(binary, BINARY) < 2e-5, `binary: ${binary}`);

  const all = Uint8Array.from({ length: 120 }, (_, i) =>
    Number(classOf(Math.floor(i / 3)) === i % 3),
  );
  const x = solve(design, all, { first: 0, count: 3, classes: 3, isExclusive: true });
  const classes = [0, 1, 2].map((k) => rowsFor(x, k));
  const mean = classes.reduce((sum, rows) => sum + (rows[bias] as number) / 3, 0);
  for (const [k, rows] of classes.entries()) {
    const centred = rows.with(bias, (rows[bias] as number) - mean);
    t.ok(furthest(centred, MULTINOMIAL[k] ?? []) < 2e-5, `class ${k}: ${centred}`);
  }
  const probabilities = new Float32Array(120);
  predictBlock(design, { first: 0, count: 3, classes: 3, isExclusive: true }, x, probabilities);
  t.ok(
    Math.abs((probabilities[0] ?? 0) + (probabilities[1] ?? 0) + (probabilities[2] ?? 0) - 1) <
      1e-6,
  );
});

t.test("a class has the same weights among twenty as alone", async (t) => {
  const { design } = table();
  const C = 20;
  const isTrue = (i: number, c: number) => ((i + 2) * (c + 3)) % 23 < 9;
  const y = Uint8Array.from({ length: 40 * C }, (_, i) => Number(isTrue(Math.floor(i / C), i % C)));
  const { count } = rowsOf(design.units, design.width);
  for (const first of [0, 8, 16]) {
    const many = { first, count: Math.min(8, C - first), classes: C, isExclusive: false };
    const together = solve(design, y, many);
    for (const k of [0, many.count - 1]) {
      const alone = solve(design, y, { ...many, first: first + k, count: 1 });
      const gaps = Array.from({ length: count }, (_, row) =>
        Math.abs(
          (together[indexOf(row, k, count)] as number) - (alone[indexOf(row, 0, count)] as number),
        ),
      );
      t.ok(Math.max(...gaps) < 1e-5, `class ${first + k}: ${Math.max(...gaps)}`);
    }
  }
});
