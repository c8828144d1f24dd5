/** Version of the harness and, where it runs from a git checkout, its commit. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../core/package-root.ts";

export function harnessVersion(): string {
  const text = readFileSync(join(packageRoot, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Commit and whether tracked files differ from it; null outside a git checkout of this package. */
export function gitState(): { commit: string; dirty: boolean } | null {
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", packageRoot, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  try {
    if (git("rev-parse", "--show-toplevel") !== packageRoot) return null;
    return {
      commit: git("rev-parse", "HEAD"),
      dirty: git("status", "--porcelain", "--untracked-files=no") !== "",
    };
  } catch {
    return null; // no git, or not a checkout: an installed package
  }
}
