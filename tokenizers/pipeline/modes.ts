/** Ways in which a model reads a tokenizer that has a codebook. */
import { BenchError } from "../../core/errors.ts";

/** How a model may read what a tokenizer has. */
export const MODES = ["tokens", "vectors", "codebook"] as const;

/** Refuses a mode together with training of what it does not read. @throws BenchError. */
export function checkMode(mode: unknown, trainable: unknown): void {
  if (mode === "tokens" && trainable === true)
    throw new BenchError({
      what: "mode=tokens with trainable=true: the vectors of tokens are learnt in any case",
      fix: "leave out trainable, or set mode=codebook to train the codebook's rows, mode=vectors the codes' vectors",
      exitCode: 2,
    });
}
