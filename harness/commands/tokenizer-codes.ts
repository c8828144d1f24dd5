/** `tokenizer tokenize | encode | embed`: what a trained tokenizer says about codes. */
import { readFileSync, writeFileSync } from "node:fs";
import { BenchError } from "../../core/errors.ts";
import { npyBytes } from "../../tokenizers/artefact/npy.ts";
import { MedTok } from "../../tokenizers/serve/med-tok.ts";
import { defineCommand } from "../command.ts";
import { wholeNumber } from "../options.ts";
import { print, table } from "../output.ts";

export const dirOption = {
  type: "string",
  demandOption: true,
  describe: "the tokenizer's folder",
} as const;

const options = {
  dir: dirOption,
  codes: { type: "string", array: true, default: [] as string[], describe: "codes to ask for" },
  file: { type: "string", describe: "a text file with one code a line" },
  descriptions: {
    type: "string",
    describe: "a table of codes with descriptions, by which unknown codes are answered",
  },
  encoder: {
    type: "string",
    describe: "the sentence encoder's folder, where the tokenizer was trained with one",
  },
} as const;

interface Asked {
  readonly codes: readonly string[];
  readonly file?: string | undefined;
}

/** The codes of the command line and of the file. @throws BenchError when there are none. */
function askedCodes({ codes, file }: Asked): string[] {
  let lines: string[] = [];
  if (file !== undefined) {
    try {
      lines = readFileSync(file, "utf8").split(/\r?\n/);
    } catch (cause) {
      throw new BenchError({
        what: `the file ${file} cannot be read`,
        where: "--file",
        fix: "give a text file with one code a line",
        exitCode: 2,
        cause,
      });
    }
  }
  const all = [...codes, ...lines].map((code) => code.trim()).filter((code) => code !== "");
  if (all.length > 0) return all;
  throw new BenchError({
    what: "no code was given",
    where: "command line",
    fix: "name codes, e.g. E11.9 ICD9CM/250.00, or --file with one a line",
    exitCode: 2,
  });
}

interface Source {
  readonly dir: string;
  readonly descriptions?: string | undefined;
  readonly encoder?: string | undefined;
}

/** Codes of a table with what they mean, where it is said. */
async function readDescriptions(file: string): Promise<Record<string, string>> {
  const { readCodesInOrder } = await import("../code-sources.ts"); // and with it the database
  const { code, description } = await readCodesInOrder(file, "--descriptions");
  return Object.fromEntries(code.map((key, i) => [key, description[i] ?? ""]));
}

/** Runs on an open tokenizer; unknown codes are told on stderr. */
async function ask(
  { dir, descriptions, encoder }: Source,
  codes: readonly string[],
  run: (tokenizer: MedTok) => void,
) {
  const tokenizer = await MedTok.fromPretrained(dir, { unknown: "quiet" });
  try {
    if (descriptions !== undefined)
      await tokenizer.addDescriptions(await readDescriptions(descriptions), { encoder });
    run(tokenizer);
    const missing = codes.filter((code) => tokenizer.resolve(code).how === "unk");
    if (missing.length > 0)
      process.stderr.write(
        `${missing.length} of ${codes.length} codes are unknown: ${missing.slice(0, 10).join(", ")}${missing.length > 10 ? ", …" : ""}\n`,
      );
  } finally {
    tokenizer.close();
  }
}

function writeMatrix(out: string, bytes: Uint8Array): void {
  try {
    writeFileSync(out, bytes);
  } catch (cause) {
    throw new BenchError({
      what: `the file ${out} cannot be written: ${cause instanceof Error ? cause.message : cause}`,
      where: "--out",
      fix: "name a file in a folder that is there and may be written to",
      exitCode: 2,
      cause,
    });
  }
}

const rounded = (values: Iterable<number>) => Array.from(values, (x) => Number(x.toPrecision(6)));

export const tokenizeAction = {
  ...defineCommand({
    name: "tokenizer tokenize",
    describe: "The names of codes' tokens, and how each code was found",
    examples: [
      ["tokenizer tokenize --dir TOK E11.9", "20 tokens, five of each part"],
      ["tokenizer tokenize --dir TOK --file codes.txt --json", "many codes, for machines"],
      [
        "tokenizer tokenize --dir TOK LOCAL/17 --descriptions local.csv",
        "a code that only its description can answer",
      ],
    ],
    options,
    async run({ json, ...asked }) {
      const codes = askedCodes(asked);
      await ask(asked, codes, (tokenizer) => {
        const rows = codes.map((code) => {
          const { how, matched } = tokenizer.resolve(code);
          return { code, how, matched, tokens: tokenizer.tokenize(code) };
        });
        print(json, rows, () =>
          table(
            ["code", "how", "matched", "tokens"],
            rows.map((r) => [r.code, r.how, r.matched ?? "", r.tokens.join(" ")]),
          ),
        );
      });
    },
  }),
  command: "tokenize [codes..]",
};

export const encodeAction = {
  ...defineCommand({
    name: "tokenizer encode",
    describe: "The ids and weights of codes' tokens",
    examples: [["tokenizer encode --dir TOK E11.9 --json", "ids, weights and how it was found"]],
    options,
    async run({ json, ...asked }) {
      const codes = askedCodes(asked);
      await ask(asked, codes, (tokenizer) => {
        const rows = codes.map((code) => {
          const { ids, weights, how, matched, candidates } = tokenizer.encode(code);
          return { code, how, matched, candidates, ids: [...ids], weights: rounded(weights) };
        });
        print(json, rows, () =>
          table(
            ["code", "how", "matched", "ids"],
            rows.map((r) => [r.code, r.how, r.matched ?? "", r.ids.join(" ")]),
          ),
        );
      });
    },
  }),
  command: "encode [codes..]",
};

export const embedAction = {
  ...defineCommand({
    name: "tokenizer embed",
    describe: "The vectors of codes, printed or written as .npy",
    examples: [
      ["tokenizer embed --dir TOK E11.9 --json", "256 numbers"],
      ["tokenizer embed --dir TOK --file codes.txt --out vectors.npy", "a matrix, one row a line"],
    ],
    options: { ...options, out: { type: "string", describe: "write a .npy file instead" } },
    async run({ json, out, ...asked }) {
      const codes = askedCodes(asked);
      await ask(asked, codes, (tokenizer) => {
        const rows = codes.map((code) => {
          const { how, matched } = tokenizer.resolve(code);
          return { code, how, matched, vector: tokenizer.embed(code) };
        });
        if (out !== undefined) {
          const { width } = tokenizer.config;
          const all = new Float32Array(rows.length * width);
          for (const [i, { vector }] of rows.entries()) all.set(vector, i * width);
          writeMatrix(out, Buffer.concat(npyBytes(all, [rows.length, width])));
        }
        const shown = rows.map(({ vector, ...row }) =>
          out === undefined ? { ...row, vector: rounded(vector) } : row,
        );
        print(json, shown, () =>
          table(
            ["code", "how", "matched", out === undefined ? "vector" : "written to"],
            rows.map((r) => [
              r.code,
              r.how,
              r.matched ?? "",
              out ?? `${rounded(r.vector.subarray(0, 6)).join(" ")} … (${r.vector.length})`,
            ]),
          ),
        );
      });
    },
  }),
  command: "embed [codes..]",
};

export const decodeAction = {
  ...defineCommand({
    name: "tokenizer decode",
    describe: "The codes that share most tokens with one code's tokens",
    examples: [["tokenizer decode --dir TOK t_000123 … s_004012", "all 20, by name or id"]],
    options: {
      dir: dirOption,
      tokens: { type: "string", array: true, default: [] as string[], describe: "names or ids" },
      most: { type: "number", default: 5, describe: "how many codes to show" },
    },
    async run({ json, dir, tokens, most }) {
      wholeNumber("most", most, 1);
      await ask({ dir }, [], (tokenizer) => {
        const isIds = tokens.every((token) => /^\d+$/.test(token));
        const rows = tokenizer.decode(isIds ? tokens.map(Number) : tokens, most);
        print(json, rows, () =>
          table(
            ["code", "overlap"],
            rows.map((r) => [r.code, r.overlap.toFixed(2)]),
            [1],
          ),
        );
      });
    },
  }),
  command: "decode [tokens..]",
};
