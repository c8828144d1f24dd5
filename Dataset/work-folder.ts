/** Private folders for work that is not finished; what a killed process left behind is cleared away. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { sha256 } from "../core/hash.ts";

const PREFIX = ".ingest-";
const HOST = sha256(hostname()).slice(0, 8); // several machines may share a cache folder

/** Makes a new folder that only its owner can read. */
export function claimWorkFolder(cacheDir: string): string {
  return mkdtempSync(join(cacheDir, `${PREFIX}${HOST}-${process.pid}-`)); // mode 0700
}

/** Removes work folders of processes of this machine that no longer run. */
export function removeStaleWork(cacheDir: string): void {
  for (const name of readdirSync(cacheDir)) {
    const found = /^\.ingest-(\w+)-(\d+)-/.exec(name);
    if (found?.[1] !== HOST || isRunning(Number(found[2]))) continue;
    rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // asks only
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it runs, as another user
  }
}
