/** `tokenizer inspect`: what a tokenizer is, how good it is, and what it makes of a code. */
import type { Artefact } from "../../tokenizers/artefact/open.ts";
import { MedTok } from "../../tokenizers/serve/med-tok.ts";
import { nearestRows } from "../../tokenizers/serve/neighbours.ts";
import { defineCommand } from "../command.ts";
import { wholeNumber } from "../options.ts";
import { count, print, table } from "../output.ts";
import { dirOption } from "./tokenizer-codes.ts";

/** Lines of the training's log are left out of what is printed. */
function withoutLog(report: unknown): unknown {
  if (report === null || typeof report !== "object") return report;
  const { log, ...rest } = report as Record<string, unknown>;
  return Array.isArray(log) ? { ...rest, last_log_line: log.at(-1) ?? null } : rest;
}

function describeTokenizer(artefact: Artefact) {
  const { config, hash } = artefact;
  const { files: _, ...rest } = config;
  return { artefact: hash, ...rest, report: withoutLog(artefact.report()) };
}

function describeCode(tokenizer: MedTok, code: string, most: number) {
  const { artefact, config, codes } = tokenizer;
  const answer = tokenizer.resolve(code);
  if (answer.row < 0) return { ...answer, description: null, tokens: [], nearest: [], graph: [] };
  const matched = codes[answer.row] as string;
  const descriptions = artefact.descriptions();
  const nearest = nearestRows(artefact, answer.row, most).map(({ row, cosine }) => ({
    code: codes[row] as string,
    cosine: Number(cosine.toFixed(4)),
    description: descriptions[row] ?? "",
  }));
  return {
    ...answer,
    description: descriptions[answer.row] ?? "",
    tokens: config.tokens === null ? [] : tokenizer.tokenize(matched),
    nearest,
    graph: artefact.neighbourhood(matched),
  };
}

type CodeFacts = ReturnType<typeof describeCode>;

function codeText(c: CodeFacts): string {
  if (c.row < 0) {
    const hint = c.candidates.length > 0 ? `; it could be ${c.candidates.join(" or ")}` : "";
    return `${c.code}: unknown${hint}`;
  }
  return [
    `${c.code} -> ${c.matched} (${c.how}): ${c.description}`,
    ...(c.tokens.length > 0 ? ["", `tokens  ${c.tokens.join(" ")}`] : []),
    "",
    table(
      ["nearest", "cosine", "description"],
      c.nearest.map((n) => [n.code, n.cosine.toFixed(3), n.description.slice(0, 60)]),
      [1],
    ),
    "",
    c.graph.length === 0
      ? "the graph has no edge at it"
      : table(
          ["graph", "", "", "from"],
          c.graph.map((e) => [e.from, e.relation, e.to, e.origin]),
        ),
  ].join("\n");
}

type Facts = Readonly<Record<string, unknown>>;

const isFacts = (x: unknown): x is Facts => x !== null && typeof x === "object";
const inside = (x: unknown, name: string): unknown => (isFacts(x) ? x[name] : undefined);
const percent = (x: unknown) => (typeof x === "number" ? `${(100 * x).toFixed(1)} %` : "");
const columns = [1, 2, 3, 4];

/** Use of the codebook, unique keys and neighbours as tables; --json has all there is. */
function qualityText(report: unknown): string[] {
  const quality = inside(report, "quality");
  if (!isFacts(quality)) return [JSON.stringify(report, null, 2)];
  const found: string[] = [];
  const usage = quality["usage"];
  if (isFacts(usage)) {
    const rows = Object.entries(usage).map(([region, own]) => [
      region,
      percent(inside(own, "share")),
      Number(inside(own, "perplexity")).toFixed(0),
    ]);
    found.push(table(["region", "rows used", "perplexity"], rows, columns), "");
  }
  const keys = percent(quality["unique_keys"]);
  if (keys !== "")
    found.push(
      `codes whose tokens no other code has: ${keys}, nearest tokens alone: ${percent(quality["unique_nearest_keys"])}`,
      "",
    );
  found.push(
    ...neighbourText("of the same category or class", quality["same_group_among_nearest"]),
  );
  const twins = quality["mapped_twin_among_nearest"];
  if (isFacts(twins)) found.push(...neighbourText("mapped twin", { ICD9CM: twins }));
  return found;
}

/** One line a system and table of vectors: shares among the nearest codes. */
function neighbourText(what: string, measured: unknown): string[] {
  if (!isFacts(measured)) return [];
  const rows = Object.entries(measured).flatMap(([system, tables]) =>
    Object.entries(isFacts(tables) ? tables : {}).map(([name, own]) => {
      const numbers = Object.entries(isFacts(own) ? own : {}).filter(([key]) => key !== "queries");
      return [system, name, numbers.map(([key, x]) => `${key} ${measure(x)}`).join(", ")];
    }),
  );
  return rows.length === 0 ? [] : [table([what, "by", "among the nearest"], rows), ""];
}

const measure = (x: unknown) => (typeof x === "number" && x <= 1 ? percent(x) : String(x));

function tokenizerText(facts: ReturnType<typeof describeTokenizer>): string {
  const { tokens } = facts;
  const lines = [
    `${facts.tokenizer} (version ${facts.tokenizer_version}), artefact ${facts.artefact.slice(0, 16)}`,
    `codes       ${count(facts.codes)}${facts.has_systems ? "" : ", without their systems"}`,
    `vectors     ${facts.width} numbers`,
    tokens === null
      ? "tokens      none"
      : `tokens      ${tokens.parts.length} parts of ${tokens.per_part} from a codebook of ${count(tokens.codebook_size)} rows`,
    `text        ${facts.text_encoder?.kind ?? "none"}`,
    `subjects    ${facts.split === null ? "none were looked at" : `co-occurrences of the training split ${facts.split}: keep it private`}`,
    "",
    ...qualityText(facts.report),
  ];
  return lines.join("\n").trimEnd();
}

export const inspectAction = {
  ...defineCommand({
    name: "tokenizer inspect",
    describe: "A tokenizer's settings and quality, or a code's tokens, nearest codes and graph",
    examples: [
      ["tokenizer inspect --dir TOK --json", "settings and quality report"],
      ["tokenizer inspect --dir TOK E11.9", "what it makes of a code"],
      ["tokenizer inspect --dir TOK --verify", "read every file and compare hashes"],
    ],
    options: {
      dir: dirOption,
      code: { type: "string", describe: "a code to look at" },
      nearest: { type: "number", default: 10, describe: "how many nearest codes to show" },
      verify: { type: "boolean", default: false, describe: "read every file and compare hashes" },
    },
    async run({ json, dir, code, nearest, verify }) {
      wholeNumber("nearest", nearest, 1);
      const tokenizer = await MedTok.fromPretrained(dir, { unknown: "quiet" });
      try {
        if (verify) {
          await tokenizer.artefact.verify();
          process.stderr.write("every file is whole: its hash is the one it was written with\n");
        }
        if (code === undefined) {
          const facts = describeTokenizer(tokenizer.artefact);
          print(json, facts, () => tokenizerText(facts));
          return;
        }
        const facts = describeCode(tokenizer, code, nearest);
        print(json, facts, () => codeText(facts));
      } finally {
        tokenizer.close();
      }
    },
  }),
  command: "inspect [code]",
};
