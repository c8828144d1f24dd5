/**
 * Trained models in the private cache, `<cache>/models/<run id>/`, written at the end of a run and copied by
 * `export`. A trained model may tell of the subjects it was trained on, so its files are the owner's only.
 */
import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BenchError } from "../core/errors.ts";
import { makeFolder } from "../core/make-folder.ts";
import type { FittedModel } from "../core/model.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import { privateFolder } from "./cache.ts";
import type { Prepared } from "./prepare.ts";
import { type RunSpec, runId } from "./record.ts";

const OWNER_ONLY = { mode: 0o600 } as const;
export const MODEL_FILES = ["model.onnx", "model.json", "vocabulary.json"] as const;

/** What `model.json` says. */
export interface ModelCard {
  readonly run_id: string;
  readonly dataset: string;
  readonly task: string;
  readonly model: string;
  readonly tokenizer: string;
  readonly opset: number;
  readonly inputs: readonly { name: string; type: string; shape: readonly (number | string)[] }[];
  readonly outputs: readonly {
    name: string;
    type: string;
    shape: readonly (number | string)[];
    classes: readonly string[];
  }[];
  readonly notes: readonly string[];
}

const AS_DATA =
  "a trained model may tell of the subjects it was trained on: treat it like the data";
const NOTES = [
  "B is the number of samples; L the number of code positions, the same for all samples of a call, the rest padding",
  "codes are units of vocabulary.json, oldest first; 0 is padding, 1 a code the tokenizer does not know",
  "what each input means is said in ehr-models/inputs.ts and its neighbours, where they are made",
  AS_DATA,
];

/** Keeps a fitted model for `export`; does nothing where the model has no ONNX form. */
export async function keepModel(
  cacheDir: string,
  spec: RunSpec,
  fitted: Pick<FittedModel, "exportOnnx">,
  prepared: Pick<Prepared, "labels" | "codes">,
  tokenizer: Tokenizer,
): Promise<void> {
  const exported = await fitted.exportOnnx?.();
  if (exported === undefined) return;
  const id = runId(spec);
  const { classes } = prepared.labels.spec;
  const card: ModelCard = {
    run_id: id,
    dataset: spec.dataset,
    task: spec.task,
    model: spec.model,
    tokenizer: spec.tokenizer,
    opset: 17,
    inputs: exported.inputs,
    outputs: [{ ...exported.output, classes: exported.columns ?? classes }],
    // A model with a vocabulary of its own says all that is to say about its inputs.
    notes: [...(exported.notes ?? []), ...(exported.vocabulary === undefined ? NOTES : [AS_DATA])],
  };
  privateFolder(join(cacheDir, "models"));
  const folder = privateFolder(join(cacheDir, "models", id));
  writeFileSync(join(folder, "model.onnx"), exported.bytes, OWNER_ONLY);
  writeFileSync(join(folder, "model.json"), `${JSON.stringify(card, null, 2)}\n`, OWNER_ONLY);
  const known = exported.vocabulary ?? vocabularyOf(prepared, tokenizer);
  const vocabulary = JSON.stringify(known, null, 1);
  writeFileSync(join(folder, "vocabulary.json"), `${vocabulary}\n`, OWNER_ONLY);
}

/** Codes the tokenizer knows and their units. */
function vocabularyOf({ codes }: Pick<Prepared, "codes">, tokenizer: Tokenizer) {
  const known: Record<string, number> = {};
  for (const [row, code] of codes.code.entries()) {
    const unit = tokenizer.unit[row] as number;
    if (unit > 1) known[code] = unit;
  }
  return { size: tokenizer.vocabularySize, padding: 0, unknown: 1, codes: known };
}

/**
 * Copies a kept model to a new or empty folder. @returns what its card says
 * @throws BenchError when the run left no model here, or the folder holds something.
 */
export function exportModelFiles(cacheDir: string, runId: string, out: string): ModelCard {
  const folder = join(cacheDir, "models", runId);
  if (!/^[\da-f]{16}$/.test(runId) || !existsSync(join(folder, "model.onnx")))
    throw new BenchError({
      what: `no trained model of run "${runId}" is kept`,
      where: folder,
      fix: "give the run id of a record made here with the same --cache-dir, or run it again; models that are no tensor graphs have no ONNX form",
      exitCode: 2,
    });
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new BenchError({
      what: "the output folder is not empty",
      where: out,
      fix: "name a new or empty folder with --out",
      exitCode: 2,
    });
  makeFolder(out, { mode: 0o700, fix: "name another folder with --out" });
  for (const file of MODEL_FILES) copyFileSync(join(folder, file), join(out, file));
  return JSON.parse(readFileSync(join(folder, "model.json"), "utf8")) as ModelCard;
}
