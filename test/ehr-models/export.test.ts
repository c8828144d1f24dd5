/** Every registered model, exported and run by onnxruntime alone, repeats its predictions of held-out samples. */
import t from "tap";
import type { LabelKind } from "../../core/label.ts";
import { models } from "../../ehr-models/index.ts";
import { transformer } from "../../ehr-models/transformer.ts";
import { ddiFile } from "../support/ddi-file.ts";
import { GRAPH_INPUTS } from "../support/graph-models.ts";
import { tokenTokenizer } from "../support/made-tokens.ts";
import { furthest, runPlain } from "../support/plain-onnx.ts";
import { contextOf, LABELS, makeSamples, sourceOf, vectorTokenizer } from "../support/samples.ts";
import { SMALL_MODELS } from "../support/small-models.ts";

const HELD = 12;

for (const { name, accepts, fit } of models.all) {
  const inputsOf = GRAPH_INPUTS[name];
  if (inputsOf === undefined) continue; // ETHOS; see ethos/export.test.ts
  const settings = { ...SMALL_MODELS[name]?.settings };
  const isGamenet = name === "gamenet";
  t.test(`onnxruntime alone repeats the predictions of ${name}`, async (t) => {
    const files = isGamenet ? { ddi: ddiFile(t, "A01A,A02A") } : {};
    const given = isGamenet ? { ...settings, interactions: true } : settings;
    // One kind with a softmax and one with logistic functions, one with each form of vectors.
    const [first = "binary", second = first]: readonly LabelKind[] = accepts;
    for (const [kind, tokenizer] of [
      [second, undefined],
      [first, vectorTokenizer(false)],
    ] as const) {
      const spec = LABELS[kind];
      const train = sourceOf(makeSamples(24, spec, 1, 40), spec);
      const held = sourceOf(makeSamples(HELD, spec, 2, 40), spec);
      const more = tokenizer === undefined ? {} : { tokenizer };
      const context = contextOf({ train, files, epochs: 3, pretrainEpochs: 0, ...more });
      const fitted = await fit(context, given);
      const expected = await fitted.predict(held);
      const exported = await fitted.exportOnnx?.();
      await fitted.dispose();
      if (exported === undefined) throw new Error(`${name} has no ONNX form`);
      const source = await inputsOf(context, given, held);
      const { feeds, dims } = source.collate(Int32Array.from({ length: HELD }, (_, i) => i));
      const seen = await runPlain(exported.bytes, exported.inputs, feeds, dims);
      const how = `${kind} labels, ${tokenizer === undefined ? "learned" : "given"} vectors`;
      t.ok(furthest(expected, seen) < 1e-5, `${how}: differs by ${furthest(expected, seen)}`);
      const spread = Math.max(...expected) - Math.min(...expected);
      t.ok(spread > 1e-3, `${how}: the predictions are not all alike`);
    }
  });
}

t.test("so it does where codes are made of tokens that are learnt", async (t) => {
  const source = sourceOf(makeSamples(24, LABELS.binary, 1, 40), LABELS.binary);
  const context = contextOf({ train: source, epochs: 3, tokenizer: tokenTokenizer(false, true) });
  const settings = { ...SMALL_MODELS["transformer"]?.settings };
  const fitted = await transformer.fit(context, settings);
  const expected = await fitted.predict(source);
  const exported = await fitted.exportOnnx?.();
  await fitted.dispose();
  if (exported === undefined) throw new Error("no ONNX form");
  const inputs = await GRAPH_INPUTS["transformer"]?.(context, settings, source);
  const made = inputs?.collate(Int32Array.from({ length: source.size }, (_, i) => i));
  const seen = await runPlain(exported.bytes, exported.inputs, made?.feeds ?? {}, made?.dims ?? {});
  t.ok(furthest(expected, seen) < 1e-5, `differs by ${furthest(expected, seen)}`);
  t.ok(Math.max(...expected) - Math.min(...expected) > 1e-3, "the predictions are not all alike");
});

t.test("every model but those that sample is a tensor graph", (t) => {
  const others = models.names.filter((name) => GRAPH_INPUTS[name] === undefined);
  t.same(others, ["ethos"], "add others to test/support/graph-models.ts");
  t.end();
});
