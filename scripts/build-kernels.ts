/** Compiles engine/kernels.wat into engine/kernels-binary.ts. Run: npx tsx scripts/build-kernels.ts */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import wabt from "wabt";
import { packageRoot } from "../core/package-root.ts";

/** The text of engine/kernels-binary.ts for the source in engine/kernels.wat. */
export async function kernelsModule(): Promise<string> {
  const source = readFileSync(join(packageRoot, "engine", "kernels.wat"), "utf8");
  const parsed = (await wabt()).parseWat("kernels.wat", source, { simd: true });
  const base64 = Buffer.from(parsed.toBinary({}).buffer).toString("base64");
  const lines = base64.match(/.{1,92}/g) ?? [];
  return `/** Generated from engine/kernels.wat by scripts/build-kernels.ts; do not edit. */
export const KERNELS_BASE64 =
${lines.map((line) => `  "${line}"`).join(" +\n")};
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const file = join(packageRoot, "engine", "kernels-binary.ts");
  writeFileSync(file, await kernelsModule());
  console.log(`wrote ${file}`);
}
