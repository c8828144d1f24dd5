#!/usr/bin/env node
// Starts the compiled command line; `npm install` compiles it.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const entry = new URL("../dist/harness/cli.js", import.meta.url);
if (!existsSync(fileURLToPath(entry))) {
  process.stderr.write(
    "error: the command line is not compiled\nfix:   run `npm install` (or `npm run build`) in the project folder\n",
  );
  process.exit(1);
}
const { main } = await import(entry.href);
process.exitCode = await main(process.argv.slice(2));
