/** Where the openly licensed demo data lie beside a development checkout; tests skip, and say so, without it. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../../core/package-root.ts";

/** Folder or file below the shared data, e.g. `mimic-iv-demo-2.2` or `maps/phenotypes.csv`. */
export function demoRoot(name: string): string | undefined {
  const path = join(packageRoot, "..", "shared", "data", name);
  return existsSync(path) ? path : undefined;
}
