/** What a run may ask of a tokenizer: refused here before any data is read. */
import { BenchError } from "../../core/errors.ts";
import type { TokenizerRequest } from "../../core/tokenizer.ts";
import { type ArtefactConfig, FILES, readConfig } from "../artefact/config.ts";
import { checkGraphChoice, type InputChoice, textEncoderOf } from "./given.ts";

function refuse(what: string, where: string, fix: string): never {
  throw new BenchError({ what, where, fix, exitCode: 2 });
}

/** Of tokenizers that learn from a run's own data alone. @throws BenchError when a folder is named. */
export function refuseFolder(name: string, { directory }: TokenizerRequest): void {
  if (directory === null) return;
  refuse(
    `tokenizer ${name} is made by the run itself, never loaded`,
    "--tokenizer-dir",
    "leave out --tokenizer-dir, or choose the --tokenizer that the folder holds",
  );
}

/** @throws BenchError where a folder holds none of the accepted tokenizers. */
export function checkHolder(
  { tokenizer }: Pick<ArtefactConfig, "tokenizer">,
  folder: string,
  accepted: readonly string[],
): void {
  if (accepted.includes(tokenizer)) return;
  refuse(
    `the folder holds the tokenizer ${tokenizer}, not ${accepted[0]}`,
    folder,
    `name a folder that ${accepted[0]} was trained into, or choose --tokenizer ${tokenizer}`,
  );
}

/** Whether a tokenizer has what a mode reads. @throws BenchError where it has not. */
export function checkTokens(
  mode: unknown,
  { hasTokens, hasCodebook }: { readonly hasTokens: boolean; readonly hasCodebook: boolean },
): void {
  if (mode === "vectors" || (hasTokens && (mode === "tokens" || hasCodebook))) return;
  refuse(
    hasTokens
      ? `mode=${mode} reads the rows of the codebook, and this tokenizer has none (published files do not hold it)`
      : `mode=${mode} is not possible: this tokenizer has no tokens`,
    "--tokenizer-set",
    hasTokens ? "set mode=tokens, or mode=vectors" : "set mode=vectors",
  );
}

/** A folder to load. @throws BenchError when it is none, holds another tokenizer, or is named beside files to train from. */
export function checkFolder(
  { given, options }: TokenizerRequest,
  folder: string,
  accepted: readonly string[],
): void {
  if (given !== undefined)
    refuse(
      "a folder and files to train from are both given",
      "--tokenizer-dir",
      "leave out --tokenizer-file, or --tokenizer-dir so that the tokenizer is trained here",
    );
  const { config } = readConfig(folder);
  checkHolder(config, folder, accepted);
  const hasTokens = config.tokens !== null;
  const hasCodebook = config.files[FILES.codebook] !== undefined;
  checkTokens(options["mode"], { hasTokens, hasCodebook });
}

/** Files to train from. @throws BenchError where they and the options do not go together. */
export function checkInputs(choice: InputChoice, { given }: TokenizerRequest): void {
  textEncoderOf(choice, given?.encoder ?? null);
  checkGraphChoice(choice, given?.hasGraph ?? false);
}
