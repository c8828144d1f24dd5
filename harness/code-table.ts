/** The store's code table in memory; rows are in the order of their codes. */
import { CODE_KINDS, type CodeKind, type EventStore } from "../core/event-store.ts";
import type { CodeTable } from "../core/tokenizer.ts";

/** SQL that numbers the codes as `loadCodeTable` does: columns code, kind, row. */
export const NUMBERED_CODES =
  "SELECT code, kind, CAST(row_number() OVER (ORDER BY code) - 1 AS INTEGER) AS code_row FROM codes";

/** Reads the whole code table (tens of thousands of rows). */
export async function loadCodeTable(store: EventStore): Promise<CodeTable> {
  const rows = await store.query(
    "SELECT code, description, kind, parent_codes FROM codes ORDER BY code",
  );
  const kinds = rows.strings("kind");
  return {
    size: rows.rowCount,
    code: rows.strings("code").map((code) => code ?? ""),
    description: rows.strings("description"),
    kind: Uint8Array.from(kinds, (kind) => kindIndex(kind)),
    parents: rows.values("parent_codes").map((parents) => (parents as string[] | null) ?? []),
  };
}

/** Index of a kind in CODE_KINDS. @throws when the store names a kind this version does not know. */
export function kindIndex(kind: string | null): number {
  const index = CODE_KINDS.indexOf(kind as CodeKind);
  if (index <= 0) throw new Error(`unknown kind of code "${kind}"`);
  return index;
}
