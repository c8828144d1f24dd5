/** Traps of the Transformer (models.md, section 1); those that are not here are named in other tests' titles. */
import t from "tap";
import type { Tokenizer } from "../../../core/tokenizer.ts";
import { transformerModel } from "../../../ehr-models/transformer.ts";
import { modelValues } from "../../support/model-values.ts";
import {
  LABELS,
  learnedTokenizer,
  type MadeSample,
  makeSamples,
  sourceOf,
  vectorTokenizer,
} from "../../support/samples.ts";
import { A01, DIAGNOSIS, subject } from "../../support/subject.ts";
import { shuffledWithinVisits, turnedVisits } from "../../support/turned.ts";

const PROCEDURE = 1;
const SPEC = LABELS.multiclass;
const SIZES = { width: 16, heads: 2, layers: 2, feedForward: 16, initialScale: 1 };

/** Logits of some samples with fresh parameters, 3 each. */
async function logitsOf(
  samples: readonly MadeSample[],
  more: Record<string, string> = {},
  known: Tokenizer = learnedTokenizer(),
) {
  const source = sourceOf(samples, SPEC);
  const run = await modelValues(
    transformerModel,
    source,
    { ...SIZES, ...more },
    (context) => ({ logits: transformerModel.forward(context) }),
    known,
  );
  const { values } = run.of["logits"] ?? { values: new Float32Array() };
  const far = (a: number, b: number) =>
    Math.max(
      ...[0, 1, 2].map((c) => Math.abs((values[3 * a + c] ?? 9) - (values[3 * b + c] ?? 0))),
    );
  return { far, feeds: run.feeds, source };
}

const withVisits = makeSamples(30, SPEC, 6).find(
  ({ history }) => history.visitCount === 3 && history.length > 6,
) as MadeSample;

for (const readout of ["summary", "summary+sums"])
  t.test(
    `any code of a visit can stand first: the prediction stays (T1, T6, H21; ${readout})`,
    async (t) => {
      const samples = [withVisits, shuffledWithinVisits(withVisits), turnedVisits(withVisits)];
      const { far } = await logitsOf(samples, { readout });
      t.ok(far(0, 1) < 1e-4, `codes: ${far(0, 1)}`);
      t.ok(far(0, 2) > 1e-3, "the order of visits does matter");
    },
  );

t.test("the default drops less than the published 0.5, which stays a preset (T3)", (t) => {
  const { defaults, presets } = transformerModel;
  t.ok(defaults.dropout >= 0.1 && defaults.dropout < 0.5, `${defaults.dropout}`);
  t.equal(presets["paper"]?.dropout, 0.5);
  t.end();
});

t.test("a code whose vector is zero is read, not taken for padding (T7)", async (t) => {
  const tokenizer = vectorTokenizer(true);
  if (tokenizer.representation.kind !== "vectors") throw new Error("vectors wanted");
  const { values, width } = tokenizer.representation;
  values.fill(0, (A01 + 2) * width, (A01 + 3) * width);
  const samples = [subject([DIAGNOSIS], [PROCEDURE, A01]), subject([DIAGNOSIS], [PROCEDURE])];
  const { far } = await logitsOf(samples, { readout: "summary" }, tokenizer);
  t.ok(far(0, 1) > 1e-4, `it stands at a place and a time: ${far(0, 1)}`);
});

t.test("nothing that is fed is written to, padding included (T8)", async (t) => {
  const samples = makeSamples(12, SPEC, 3);
  const { feeds, source } = await logitsOf(samples);
  const inputs = transformerModel.inputs(source, learnedTokenizer(), transformerModel.defaults);
  t.same(feeds, inputs.collate(Int32Array.from(samples, (_, i) => i)).feeds);
});
