/** Messages of DuckDB and of the file system -> errors that say what to mend. The rest stays as it is: a bug. */
import { BenchError } from "../core/errors.ts";

interface Pattern {
  readonly match: RegExp;
  readonly what: (found: RegExpExecArray) => string;
  readonly where?: (found: RegExpExecArray) => string;
  readonly fix: string;
}

const PATTERNS: readonly Pattern[] = [
  {
    match: /No space left on device|ENOSPC|Disk quota exceeded|max_temp_directory_size/,
    what: () => "the disk is full",
    where: (found) => fileIn(found.input) ?? "temporary files of the cache folder",
    fix: "free space, or choose a cache folder on a larger disk; nothing half-written was kept",
  },
  {
    match: /Out of Memory Error/,
    what: () => "the memory limit is too low for this step",
    fix: "raise the memory limit, or use fewer threads",
  },
  {
    match: /not a GZIP stream/,
    what: () => "the file ends in .gz but is not gzip",
    where: (found) => fileIn(found.input) ?? "raw files",
    fix: "download the file again, or take .gz off its name when it is plain text",
  },
  {
    match: /(permission denied|EACCES|EROFS)|Cannot open file/i,
    what: (found) => (found[1] ? "a file may not be read or written" : "a file cannot be opened"),
    where: (found) => fileIn(found.input) ?? "cache folder",
    fix: "check that the folder exists and that this user may use it",
  },
];

/** The file that a message names: DuckDB quotes it doubly or not at all, Node singly. */
function fileIn(message: string): string | undefined {
  return (
    /'([^'\n]*[/\\][^'\n]*)'/.exec(message)?.[1] ??
    /(?:file|stream:) "?([^"\n]+?)"?(?::|$)/.exec(message)?.[1]
  );
}

/** A BenchError for what a user can mend; anything else unchanged. */
export function translateError(error: unknown): unknown {
  if (error instanceof BenchError || !(error instanceof Error)) return error;
  for (const pattern of PATTERNS) {
    const found = pattern.match.exec(error.message);
    if (found === null) continue;
    const where = pattern.where?.(found);
    return new BenchError({
      what: pattern.what(found),
      fix: pattern.fix,
      cause: error,
      ...(where === undefined ? {} : { where }),
    });
  }
  return error;
}
