/** What is in a store, in counts: the numbers a reader compares with a paper's cohort table. */
import type { CodeKind, DroppedRows, EventStore, Source, SplitName } from "../core/event-store.ts";
import { type Count, maskCount } from "../core/privacy.ts";

export interface VocabularyStatistics {
  /** The part of a code before the slash, e.g. `ICD10CM`; the whole code where there is no slash. */
  readonly vocabulary: string;
  readonly kind: CodeKind;
  readonly events: Count;
  readonly subjects: Count;
  readonly codes: number;
  readonly codes_without_description: number;
}

export interface Distribution {
  readonly mean: number;
  readonly median: number;
  readonly p90: number;
  /** Of a single subject: null for a real source once masked. */
  readonly max: number | null;
}

export interface StoreStatistics {
  readonly dataset: string;
  readonly dataset_version: string;
  readonly source: Source;
  readonly fingerprint: string;
  readonly subjects: Count;
  readonly visits: Count;
  readonly icu_stays: Count;
  readonly events: Count;
  readonly subjects_by_split: Readonly<Record<SplitName, Count>>;
  readonly visits_per_subject: Distribution;
  readonly events_per_subject: Distribution;
  readonly vocabularies: readonly VocabularyStatistics[];
  readonly codes: number;
  readonly codes_without_description: number;
  readonly rows_read: Readonly<Record<string, Count>>;
  readonly rows_dropped: readonly (Omit<DroppedRows, "rows"> & { readonly rows: Count })[];
  /** Prescription rows by how their drug became an ATC code, and the share that did; null without prescriptions. */
  readonly drugs: {
    readonly rows: Readonly<Record<"file" | "ndc" | "name" | "unmapped", Count>>;
    readonly mapped_share: number;
  } | null;
}

/** Counts of a store, unmasked. */
export async function describeStore(store: EventStore): Promise<StoreStatistics> {
  const { info } = store;
  const vocabularies = await countVocabularies(store);
  const sum = (of: (v: VocabularyStatistics) => number) =>
    vocabularies.reduce((total, v) => total + of(v), 0);
  return {
    dataset: info.dataset,
    dataset_version: info.dataset_version,
    source: info.source,
    fingerprint: info.fingerprint,
    subjects: info.subjects,
    visits: info.visits,
    icu_stays: info.icu_stays,
    events: info.events,
    subjects_by_split: await countSplits(store),
    visits_per_subject: await perSubject(store, "visits"),
    events_per_subject: await perSubject(store, "events"),
    vocabularies,
    codes: sum((v) => v.codes),
    codes_without_description: sum((v) => v.codes_without_description),
    rows_read: info.rows_read,
    rows_dropped: info.rows_dropped,
    drugs: drugCoverage(info.drug_rows),
  };
}

/**
 * The same statistics as they may leave the private cache: of a real source no count below 10 is given.
 * Means, quantiles and numbers of codes are not counts of subjects and stay; the largest number of visits
 * or events is that of one subject and goes.
 */
export function maskStatistics(statistics: StoreStatistics): StoreStatistics {
  if (statistics.source !== "real") return statistics;
  const s = statistics;
  return {
    ...s,
    subjects: mask(s.subjects),
    visits: mask(s.visits),
    icu_stays: mask(s.icu_stays),
    events: mask(s.events),
    subjects_by_split: maskAll(s.subjects_by_split),
    visits_per_subject: { ...s.visits_per_subject, max: null },
    events_per_subject: { ...s.events_per_subject, max: null },
    vocabularies: s.vocabularies.map((v) => ({
      ...v,
      events: mask(v.events),
      subjects: mask(v.subjects),
    })),
    rows_read: maskAll(s.rows_read),
    rows_dropped: s.rows_dropped.map((d) => ({ ...d, rows: mask(d.rows) })),
    drugs: s.drugs === null ? null : { ...s.drugs, rows: maskAll(s.drugs.rows) },
  };
}

/** Only reached for real sources. */
function mask(count: Count): Count {
  return maskCount(count, "real");
}

function maskAll<K extends string>(counts: Readonly<Record<K, Count>>): Record<K, Count> {
  const entries = Object.entries<Count>(counts).map(([name, count]) => [name, mask(count)]);
  return Object.fromEntries(entries) as Record<K, Count>;
}

async function countVocabularies(store: EventStore): Promise<VocabularyStatistics[]> {
  const found = await store.query(`
    WITH labelled AS (
      SELECT code, split_part(code, '/', 1) AS vocabulary, kind, description IS NULL AS unnamed FROM codes
    ), names AS (
      SELECT vocabulary, kind, count(*) AS codes, count(*) FILTER (unnamed) AS unnamed
      FROM labelled GROUP BY ALL
    ), uses AS (
      SELECT vocabulary, kind, count(*) AS events, count(DISTINCT subject_id) AS subjects
      FROM events JOIN labelled USING (code) GROUP BY ALL
    )
    SELECT vocabulary, kind, events, subjects, codes, unnamed
    FROM names JOIN uses USING (vocabulary, kind) ORDER BY vocabulary, kind`);
  const names = found.strings("vocabulary");
  const kinds = found.strings("kind");
  const count = (column: string, i: number) => found.numbers(column)[i] ?? 0;
  return names.map((vocabulary, i) => ({
    vocabulary: vocabulary ?? "",
    kind: kinds[i] as CodeKind,
    events: count("events", i),
    subjects: count("subjects", i),
    codes: count("codes", i),
    codes_without_description: count("unnamed", i),
  }));
}

async function countSplits(store: EventStore): Promise<Record<SplitName, number>> {
  const found = await store.query("SELECT split, count(*) AS n FROM splits GROUP BY split");
  const counts = { train: 0, tuning: 0, held_out: 0 };
  found.strings("split").forEach((split, i) => {
    counts[split as SplitName] = found.numbers("n")[i] ?? 0;
  });
  return counts;
}

/** Rows of a view per subject, subjects without any included. */
async function perSubject(store: EventStore, view: "visits" | "events"): Promise<Distribution> {
  const found = await store.query(`
    SELECT avg(n) AS mean, median(n) AS median, quantile_disc(n, 0.9) AS p90, max(n) AS max FROM (
      SELECT coalesce(c.n, 0) AS n FROM subjects s
      LEFT JOIN (SELECT subject_id, count(*) AS n FROM ${view} GROUP BY subject_id) c
        ON c.subject_id = s.subject_id
    )`);
  const value = (name: string) => found.numbers(name)[0] ?? Number.NaN;
  return { mean: value("mean"), median: value("median"), p90: value("p90"), max: value("max") };
}

function drugCoverage(
  rows: Readonly<Record<"file" | "ndc" | "name" | "unmapped", number>> | undefined,
): StoreStatistics["drugs"] {
  if (rows === undefined) return null;
  const mapped = rows.file + rows.ndc + rows.name;
  const all = mapped + rows.unmapped;
  return { rows, mapped_share: all === 0 ? 0 : mapped / all };
}
