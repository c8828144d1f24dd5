import { readdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { packageRoot } from "../../core/package-root.ts";
import type { Named, Registry } from "../../core/registry.ts";
import { datasets } from "../../Dataset/index.ts";
import { models } from "../../ehr-models/index.ts";
import { tasks } from "../../tasks/index.ts";
import { tokenizers } from "../../tokenizers/index.ts";

/** Properties that only a definition of this kind has. */
const kinds: readonly { folder: string; registry: Registry<Named>; marks: readonly string[] }[] = [
  { folder: "Dataset", registry: datasets, marks: ["tables", "events", "releases"] },
  { folder: "tasks", registry: tasks, marks: ["labelSpec", "cohort"] },
  { folder: "tokenizers", registry: tokenizers, marks: ["fit", "version", "reference"] },
  { folder: "ehr-models", registry: models, marks: ["accepts", "fit"] },
];

const isDefinition = (value: unknown, marks: readonly string[]): value is Named =>
  typeof value === "object" && value !== null && marks.every((mark) => mark in value);

for (const { folder, registry, marks } of kinds) {
  t.test(`every definition in ${folder}/ is registered and named like its file`, async (t) => {
    const found: string[] = [];
    for (const file of readdirSync(join(packageRoot, folder)).filter((f) => f.endsWith(".ts"))) {
      if (file === "index.ts") continue;
      const module: Record<string, unknown> = await import(
        pathToFileURL(join(packageRoot, folder, file)).href
      );
      for (const value of Object.values(module).filter((v) => isDefinition(v, marks))) {
        const { name } = value as Named;
        found.push(name);
        t.equal(`${name}.ts`, file, "a definition is named like its file");
        t.ok(registry.names.includes(name), `add ${name} to the list in ${folder}/index.ts`);
      }
    }
    t.same(found.sort(), [...registry.names].sort(), "and the list holds nothing else");
  });
}

t.test("nothing calls Math.random, and only the harness reads the clock", async (t) => {
  const folders = [
    "core",
    "engine",
    "metrics",
    "Dataset",
    "tasks",
    "tokenizers",
    "ehr-models",
    "harness",
  ];
  const { readFileSync } = await import("node:fs");
  for (const folder of folders) {
    for (const file of readdirSync(join(packageRoot, folder), {
      recursive: true,
      encoding: "utf8",
    })) {
      if (!file.endsWith(".ts")) continue;
      const code = readFileSync(join(packageRoot, folder, file), "utf8")
        .split("\n")
        .filter((line) => !/^\s*(\*|\/\*|\/\/)/.test(line))
        .join("\n");
      t.notMatch(code, /Math\.random/, `${folder}/${file} draws from a named stream`);
      if (["engine", "metrics", "tasks", "tokenizers", "ehr-models"].includes(folder)) {
        t.notMatch(code, /Date\.now|new Date\(\)/, `${folder}/${file} does not read the clock`);
      }
    }
  }
});
