/** The control without knowledge: random vectors of the shape and length of MedTok's, behind the same projection. */
import { BenchError } from "../core/errors.ts";
import { sha256 } from "../core/hash.ts";
import type { Tokenizer, TokenizerContext, TokenizerDefinition } from "../core/tokenizer.ts";
import { refuseFolder } from "./pipeline/requests.ts";
import { ownRows, vectorTokenizer } from "./pipeline/units.ts";

async function fit(context: TokenizerContext): Promise<Tokenizer> {
  const { codes, trainSubjects } = context;
  const { width, norm, trainable, residual } = { ...randomVectors.defaults, ...context.options };
  const d = Number(width);
  const values = new Float32Array(codes.size * d);
  for (const [row, code] of codes.code.entries()) {
    // A stream a code: a code's vector does not depend on what else is in the store.
    const random = context.random.derive(code);
    const vector = Float64Array.from({ length: d }, () => random.normal());
    const scale = Number(norm) / Math.hypot(...vector);
    for (let j = 0; j < d; j++) values[row * d + j] = (vector[j] as number) * scale;
  }
  return vectorTokenizer({
    name: randomVectors.name,
    rows: ownRows(codes.size),
    values,
    width: d,
    trainable: trainable === true,
    residualOf: residual === true ? trainSubjects : null,
    artefactHash: sha256(new Uint8Array(values.buffer)),
  });
}

export const randomVectors: TokenizerDefinition = {
  name: "random-vectors",
  version: 3,
  description: "A fixed random vector per code, as wide and long as MedTok's: the floor.",
  reference: "the random-table control of embeddings; compare with medtok and permuted-rows",
  defaults: { width: 256, norm: 1.25, trainable: false, residual: true },
  presets: { trainable: { trainable: true }, "vectors-alone": { residual: false } },
  check(request) {
    refuseFolder(randomVectors.name, request);
    const { width, norm } = { ...randomVectors.defaults, ...request.options };
    if (Number.isInteger(width) && Number(width) > 0 && Number(norm) > 0) return;
    throw new BenchError({
      what: `random-vectors of width ${width} and length ${norm}`,
      where: "--tokenizer-set",
      fix: "give a whole number above 0 as width, and a norm above 0",
      exitCode: 2,
    });
  },
  fit,
};
