// Makes `npx medtok-bench` start this checkout at once. Without the link npx would first install the
// checkout into its own cache and compile it again. Runs after every `npm install` here.
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "node_modules", ".bin");
const target = join(root, "bin", "medtok-bench.js");
if (existsSync(join(root, "node_modules"))) {
  mkdirSync(folder, { recursive: true });
  chmodSync(target, 0o755);
  const link = join(folder, "medtok-bench");
  rmSync(link, { force: true });
  if (process.platform === "win32") {
    writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\bin\\medtok-bench.js" %*\r\n');
  } else {
    symlinkSync(join("..", "..", "bin", "medtok-bench.js"), link);
  }
}
