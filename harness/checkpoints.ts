/**
 * Where a run keeps its state between epochs: `<cache>/checkpoints/<run id>/<stage>.bin`, readable by the
 * owner only, as trained parameters may tell of the subjects they were trained on. The run id is the hash of
 * the specification, so that a run finds its own checkpoints and no others; they go when its record is written.
 */
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Checkpoints } from "../core/model.ts";
import { privateFolder } from "./cache.ts";

export interface RunCheckpoints extends Checkpoints {
  /** Forgets all of them. */
  remove(): Promise<void>;
}

/** @param found told the name of each stage that goes on from a checkpoint. */
export function openCheckpoints(
  cacheDir: string,
  runId: string,
  found: (key: string) => void,
): RunCheckpoints {
  const folder = join(cacheDir, "checkpoints", runId);
  const fileOf = (key: string) => join(folder, `${key.replaceAll(/[^\w-]/g, "_")}.bin`);
  return {
    async load(key) {
      const bytes = await readIfThere(fileOf(key));
      if (bytes !== undefined) found(key);
      return bytes;
    },
    async save(key, bytes) {
      privateFolder(join(cacheDir, "checkpoints"));
      privateFolder(folder);
      await writeAndRename(fileOf(key), bytes);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function readIfThere(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cause;
  }
}

/** A kill at any moment leaves the old checkpoint or the whole new one. */
async function writeAndRename(file: string, bytes: Uint8Array): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`;
  const handle = await open(beside, "w", 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
    await handle.close();
    await rename(beside, file);
  } catch (cause) {
    await handle.close().catch(() => {}); // it may be closed already
    await rm(beside, { force: true });
    throw cause;
  }
}
