import t, { type Test } from "tap";
import { BenchError } from "../../../core/errors.ts";
import { NameMatcher } from "../../../Dataset/drugs/matcher.ts";
import { isNoise } from "../../../Dataset/drugs/noise.ts";
import { loadIngredients } from "../../../Dataset/drugs/table.ts";

const HEADER = "ingredient,atc_code,routes,synonyms,role\n";

function refusal(t: Test, rows: string, header = HEADER): BenchError {
  const file = `${t.testdir({ "ingredients.csv": header + rows })}/ingredients.csv`;
  try {
    loadIngredients(file);
  } catch (error) {
    if (error instanceof BenchError) return error;
    throw error;
  }
  throw new Error("the table was accepted");
}

t.test("a row that breaks a rule is refused with its line", async (t) => {
  t.match(refusal(t, "a,X1,*,,\n").message, /"X1" is not an ATC code/);
  t.match(refusal(t, "a,A01AA01,*,,\nb,A01AA02,nose,,\n").where, /line 3$/);
  t.match(refusal(t, "a,A01AA01,*,,\na,A01AA02,*,,\n").message, /two rows/);
  t.match(refusal(t, "a,A01AA01,*,x,\nb,A01AA02,*,X,\n").message, /"X" names both "a" and "b"/);
  t.match(refusal(t, "a,A01AA01,*,x@nose,\n").message, /route group "nose"/);
  t.match(refusal(t, "a,A01AA01,*,,water\n").message, /role "water"/);
  t.match(refusal(t, ",A01AA01,*,,\n").message, /no ingredient/);
  t.match(refusal(t, "a + b,A01AA01,*,,\na,A01AA02,*,,\n").message, /"b" of the combination/);
  t.match(
    refusal(t, "a,A01AA01,*,,\nb,A01AA02,*,,\na + b,A01AA03,*,,\nb + a,A01AA03,*,,\n").message,
    /same combination/,
  );
  t.match(refusal(t, "a\n", "ingredient\n").message, /"atc_code" not found/);
});

t.test(
  "the shipped table covers all parts of the body and over a thousand ingredients",
  async (t) => {
    const { products, descriptions } = loadIngredients();
    const single = [...products.values()].filter((product) => product.components.length === 1);
    t.ok(single.length > 1000, `${single.length} ingredients`);
    t.same([...new Set([...descriptions.keys()].map((code) => code[0]))].sort(), [
      "A",
      "B",
      "C",
      "D",
      "G",
      "H",
      "J",
      "L",
      "M",
      "N",
      "P",
      "R",
      "S",
      "V",
    ]);
  },
);

t.test("every name of the table is read as the product it belongs to", async (t) => {
  const table = loadIngredients();
  const matcher = new NameMatcher(table);
  for (const [alias, { product }] of table.aliases) {
    if (matcher.match(alias)?.product !== product) t.fail(`"${alias}" is not ${product.name}`);
  }
  for (const product of table.products.values()) {
    const written = product.components.join(" / ").toUpperCase();
    if (matcher.match(written)?.product !== product) t.fail(`"${written}" is not ${product.name}`);
  }
  t.ok(table.aliases.size > 5000, `${table.aliases.size} names`);
});

t.test("a drug whose every name is noise gives way to the drug beside it", async (t) => {
  const clashes = [...loadIngredients().aliases]
    .filter(([alias, { product }]) => product.role === "" && alias.split(" ").every(isNoise))
    .map(([alias]) => alias)
    .sort();
  // Names of several words that no salt, form or package is ever written as.
  const harmless = ["12 hour nasal", "compound w", "lipid emulsion", "pen g"];
  t.same(
    clashes.filter((alias) => !harmless.includes(alias) && !alias.startsWith("hemodialysis ")),
    [],
  );
});
