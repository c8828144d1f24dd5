/** Writes a synthetic twin: lives in blocks of subjects, through the writer of a source's own layout. */
import { mkdtemp, readdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { BenchError } from "../../core/errors.ts";
import { SYNTHETIC_MARKER } from "../../core/event-store.ts";
import { makeFolder } from "../../core/make-folder.ts";
import { Random } from "../../core/random.ts";
import { readCatalogue } from "./catalogue.ts";
import type { LayoutWriter } from "./layout.ts";
import { LifeModel } from "./life.ts";
import { Mimic3Writer } from "./mimic3.ts";
import { Mimic4Writer } from "./mimic4.ts";
import {
  checkOptions,
  GENERATOR_VERSION,
  isEven,
  RELEASES,
  type TwinOptions,
  type TwinSummary,
} from "./options.ts";
import { addProducts, orderTruthHeaders } from "./order-truth.ts";
import { PROFILES } from "./profile.ts";
import { RiskModel } from "./risk.ts";
import { TableSet } from "./table-set.ts";

/** Subjects between two looks at the signal and two reports of progress. */
const BLOCK = 100;

/**
 * Writes a synthetic twin. The files appear in `out` only when all of them are whole.
 *
 * @throws BenchError when `out` is not an empty or new folder, or an option is out of range; the
 *   signal's reason when it is aborted. Nothing is left behind in either case.
 */
export async function generateTwin(options: TwinOptions): Promise<TwinSummary> {
  checkOptions(options);
  const out = resolve(options.out);
  await refuseOccupied(out);
  const beside = await makeBeside(out);
  try {
    const rows = await write(beside, options);
    await writeFile(join(beside, SYNTHETIC_MARKER), marker(options));
    await moveIntoPlace(beside, out);
    const { truth: admissions = 0, truth_orders: _, truth_products: __, ...tables } = rows;
    const { layout, subjects } = options;
    return { layout, folder: out, subjects, admissions, rows: tables };
  } catch (error) {
    await rm(beside, { recursive: true, force: true }).catch(() => undefined);
    throw explained(error, out);
  }
}

async function makeBeside(out: string): Promise<string> {
  try {
    makeFolder(dirname(out), { fix: "name another folder with --out" });
    return await mkdtemp(join(dirname(out), `.${basename(out)}.partial-`));
  } catch (error) {
    throw explained(error, out);
  }
}

/** Takes the name at once. What someone else has put there in the meantime stays. */
async function moveIntoPlace(made: string, out: string): Promise<void> {
  await rmdir(out).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") await refuseOccupied(out);
  });
  try {
    await rename(made, out);
  } catch (error) {
    await refuseOccupied(out);
    throw error;
  }
}

/** What the operating system refuses, a full disk for instance, is for the user to mend. */
function explained(error: unknown, out: string): unknown {
  const isSystemError = error instanceof Error && "syscall" in error && "code" in error;
  if (!isSystemError) return error;
  return new BenchError({
    what: `the twin cannot be written: ${error.message}`,
    where: out,
    fix: "free space, or name another folder with --out; nothing was left behind",
    cause: error,
  });
}

async function refuseOccupied(out: string): Promise<void> {
  const entries = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [] as string[];
    throw new BenchError({
      what: "the output is not a folder that can be read",
      where: out,
      fix: "name a new or empty folder with --out",
      cause: error,
    });
  });
  if (entries.length === 0) return;
  throw new BenchError({
    what: "the output folder is not empty",
    where: out,
    fix: "name a new or empty folder with --out",
  });
}

async function write(folder: string, options: TwinOptions): Promise<Record<string, number>> {
  const { layout, subjects, signal, progress } = options;
  const structure = options.structure ?? "hierarchy";
  const catalogue = readCatalogue(isEven(structure));
  const profile = PROFILES[layout];
  const root = Random.fromSeed(options.seed).derive(`twin ${layout}`);
  const risk = new RiskModel(catalogue, profile, structure, root.derive("structure"));
  const lives = new LifeModel(catalogue, profile, risk);
  const writer: LayoutWriter =
    layout === "mimic4"
      ? new Mimic4Writer(catalogue, profile.orders)
      : new Mimic3Writer(catalogue, profile.orders);
  const lifeStreams = root.derive("life");
  const detailStreams = root.derive("detail");
  const headers = { ...writer.headers, ...orderTruthHeaders(catalogue) };
  const tables = await TableSet.create(folder, headers);
  try {
    writer.dictionaries(tables.add);
    addProducts(tables.add, catalogue, layout);
    for (let i = 0; i < subjects; i++) {
      const life = lives.live(lifeStreams.derive(i));
      writer.subject(i, life, detailStreams.derive(i), tables.add);
      if ((i + 1) % BLOCK !== 0 && i + 1 !== subjects) continue;
      await tables.settle();
      signal?.throwIfAborted();
      progress?.(i + 1, subjects);
    }
    await tables.close();
  } catch (error) {
    await tables.abandon();
    throw error;
  }
  return tables.rows();
}

function marker(options: TwinOptions): string {
  const { layout, subjects, seed, structure = "hierarchy" } = options;
  const content = {
    notice: "Made-up patients. Nothing in this folder describes a real person.",
    generator_version: GENERATOR_VERSION,
    layout,
    release: RELEASES[layout],
    subjects,
    seed,
    structure,
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}
