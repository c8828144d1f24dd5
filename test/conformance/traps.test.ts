/**
 * Every trap of published code that the models here could have fallen into is named in the title of a test
 * that fails on the faulty version, or, where it cannot occur, in the docblock that says why.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { packageRoot } from "../../core/package-root.ts";

/** How many traps each list has: of all models, of the published tokenizer, and of each model. */
const LISTS = {
  H: ["every model", 21],
  K: ["the published tokenizer", 4],
  T: ["transformer", 8],
  R: ["retain", 6],
  G: ["gamenet", 10],
  B: ["behrt", 10],
  GB: ["gt-behrt", 8],
  TE: ["transformehr", 10],
  M: ["mult-ehr", 12],
  E: ["ethos", 14],
} as const;

/** Traps that cannot occur here, and the file that says why. */
const BY_DESIGN: Readonly<Record<string, string>> = {
  H18: "ehr-models/ethos.ts",
  E11: "ehr-models/ethos.ts",
  E12: "ehr-models/ethos.ts",
  E14: "ehr-models/ethos.ts",
};

const textOf = (file: string) => readFileSync(join(packageRoot, file), "utf8");
/** The names in the brackets at the end of a title, e.g. `(T1, T6; summary)`. */
const namesIn = (bracket: string) => bracket.match(/\b[A-Z]{1,2}\d{1,2}\b/g) ?? [];

t.test("each trap is tested by name, or it is said why it cannot occur", (t) => {
  const named = new Map<string, string>();
  const files = readdirSync(join(packageRoot, "test"), { recursive: true, encoding: "utf8" });
  for (const file of files.filter((name) => name.endsWith(".test.ts")))
    for (const [title, bracket] of textOf(join("test", file)).matchAll(
      /["`][^"`\n]*\(([^()]*)\)["`]/g,
    ))
      for (const name of namesIn(bracket ?? "")) named.set(name, title);
  for (const [list, [of, count]] of Object.entries(LISTS))
    for (let i = 1; i <= count; i++) {
      const name = `${list}${i}`;
      const file = BY_DESIGN[name];
      if (file === undefined) t.ok(named.has(name), `${name} of ${of}`);
      else t.ok(new RegExp(`\\b${name}\\b`).test(textOf(file)), `${name} of ${of}: ${file}`);
    }
  t.end();
});
