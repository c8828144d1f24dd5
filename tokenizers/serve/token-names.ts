/** Names of tokens: the region's first letter and the row of the codebook, after four special tokens. */
import { BenchError } from "../../core/errors.ts";
import type { TokenLayout } from "../artefact/config.ts";

/** Special tokens; their ids come first, so that row r of the codebook has id r + 4. */
export const SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[MASK]"] as const;
/** In parts that a tokenizer was trained without. */
export const PADDING_ID = 0;
export const UNKNOWN_ID = 1;

const DIGITS = 6;

export class TokenNames {
  readonly #layout: TokenLayout;

  constructor(layout: TokenLayout) {
    this.#layout = layout;
  }

  /** `t_000123`, `s_…`, `g_…` by the region a row lies in. */
  name(id: number): string {
    const special = SPECIAL_TOKENS[id];
    if (special !== undefined) return special;
    const row = id - SPECIAL_TOKENS.length;
    for (const [region, [from, to]] of Object.entries(this.#layout.regions))
      if (row >= from && row < to)
        return `${region.slice(0, 1)}_${String(row).padStart(DIGITS, "0")}`;
    throw new BenchError({
      what: `${id} is no token id`,
      fix: `ids go from 0 to ${this.#layout.codebook_size + SPECIAL_TOKENS.length - 1}`,
      exitCode: 2,
    });
  }

  /** The id of a name. */
  id(name: string): number {
    const special = (SPECIAL_TOKENS as readonly string[]).indexOf(name);
    if (special >= 0) return special;
    const row = /^[a-z]_(\d+)$/.exec(name)?.[1];
    const id = row === undefined ? Number.NaN : Number(row) + SPECIAL_TOKENS.length;
    if (row !== undefined && this.name(id) === name) return id;
    throw new BenchError({
      what: `"${name}" is no token`,
      fix: "tokens look like t_000123 and [UNK]",
      exitCode: 2,
    });
  }
}
