/** Writes the published JSON Schemas from their zod definitions: `npx tsx scripts/write-schemas.ts`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { packageRoot } from "../core/package-root.ts";
import { publishedSchemas } from "../harness/schema/published.ts";

for (const [file, text] of Object.entries(publishedSchemas())) {
  const path = join(packageRoot, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(file);
}
