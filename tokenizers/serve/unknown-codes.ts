/** What is said of codes that a tokenizer does not know. */
import { BenchError } from "../../core/errors.ts";
import { nearest } from "../../core/registry.ts";
import type { Answer } from "./ladder.ts";

export type UnknownPolicy = "warn" | "throw" | "quiet";

/** Distinct unknown codes that are warned about one by one. */
const WARNINGS = 20;
/** Known codes among which a similar spelling is looked for. */
const MOST_COMPARED = 100_000;

export class UnknownCodes {
  readonly #policy: UnknownPolicy;
  readonly #folder: string;
  readonly #codes: readonly string[];
  readonly #warned = new Set<string>();

  /** `codes` are those that are known, in `folder`. */
  constructor(policy: UnknownPolicy, folder: string, codes: readonly string[]) {
    this.#policy = policy;
    this.#folder = folder;
    this.#codes = codes;
  }

  /** Warns of a code, once; nothing when quiet. @throws BenchError where the policy is to throw. */
  report({ code, candidates }: Answer): void {
    if (this.#policy === "quiet") return;
    const what =
      candidates.length > 0
        ? `the code ${code} is in several systems`
        : `the code ${code} is unknown to the tokenizer`;
    const fix =
      candidates.length > 0
        ? `write one of ${candidates.slice(0, 5).join(", ")}`
        : "write it as VOCABULARY/CODE, describe it (addDescriptions), or train the tokenizer on a table that has it";
    if (this.#policy === "throw")
      throw new BenchError({ what, where: this.#folder, fix: this.#suggest(code, fix) });
    if (this.#warned.has(code) || this.#warned.size >= WARNINGS) return;
    this.#warned.add(code);
    const last = this.#warned.size === WARNINGS ? "; further unknown codes are counted only" : "";
    process.emitWarning(`${what}; it gets the unknown token${last}`, "MedTokWarning");
  }

  #suggest(code: string, fix: string): string {
    const near = nearest(code, this.#codes.slice(0, MOST_COMPARED));
    return near.length === 0 ? fix : `did you mean ${near.join(" or ")}? ${fix}`;
  }
}
