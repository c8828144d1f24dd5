/**
 * Damages small roots of every source at random and reports each store that is wrong without a word:
 * `npx tsx scripts/damage-sources.ts [--edits 10000] [--seed 1] [--source NAME]`, edits of each source and
 * layout. Exit code 1 when there is one. "changed": a value became another possible one, in the subjects of
 * the changed rows only; nothing but published sums finds that (see Dataset/README.md).
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BenchError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { attempt, attemptDamaged, dataFiles, editBytes, faults } from "../test/Dataset/damage.ts";
import { soundSources } from "../test/Dataset/sound-sources.ts";

const { values: flags } = parseArgs({
  options: {
    edits: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    source: { type: "string" },
  },
});

const folder = mkdtempSync(join(tmpdir(), "damage-"));
let wrong = 0;
try {
  const all = await soundSources(join(folder, "sound"));
  const sources = all.filter((s) => flags.source === undefined || s.name === flags.source);
  const each = Number(flags.edits);
  for (const source of sources) {
    const random = Random.fromSeed(Number(flags.seed)).derive(source.name);
    const sound = await attempt(source, join(folder, "cache"));
    if (sound instanceof BenchError) throw sound;
    const files = dataFiles(source.root);
    const counts = { refused: 0, same: 0, counted: 0, changed: 0, wrong: 0 };
    for (let i = 0; i < each; i++) {
      const file = files[random.below(files.length)] ?? "";
      const before = readFileSync(join(source.root, file));
      const bytes = editBytes(before, random);
      const result = await attemptDamaged(folder, source, file, bytes).catch((error: unknown) =>
        String(error),
      );
      if (result instanceof BenchError) {
        counts.refused++;
        continue;
      }
      const problems =
        typeof result === "string"
          ? [result.slice(0, 300)]
          : await faults(file, before, bytes, sound, result);
      if (problems.length > 0) {
        counts.wrong++;
        console.log(`${source.name} edit ${i}, ${file}: ${problems.join("; ")}`);
      } else if (typeof result === "string") continue;
      else if (result.info.rows_dropped.length > sound.info.rows_dropped.length) counts.counted++;
      else if ([...sound.subjects].every(([id, hash]) => result.subjects.get(id) === hash))
        counts.same++;
      else counts.changed++;
    }
    wrong += counts.wrong;
    console.log(`${source.name}: ${each} edits, ${JSON.stringify(counts)}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = wrong > 0 ? 1 : 0;
