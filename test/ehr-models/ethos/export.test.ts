/** ETHOS as a file: what its vocabulary and notes say is enough to write a prompt and to draw futures. */
import t from "tap";
import type { ExportedModel } from "../../../core/model.ts";
import { Random } from "../../../core/random.ts";
import { ethos } from "../../../ehr-models/ethos.ts";
import { furthest, runPlain } from "../../support/plain-onnx.ts";
import { atDischarge, context, SMALL, source } from "../../support/planted-fits.ts";
import {
  PLANTED_CODES,
  plantedSubjects,
  READMITTED,
  whole,
} from "../../support/planted-records.ts";
import type { MadeSample } from "../../support/samples.ts";

interface Card {
  readonly tokens: readonly string[];
  readonly firstGenerated: number;
  readonly firstCode: number;
  readonly end: number;
  readonly stayCutsDays: readonly number[];
  readonly intervals: readonly { token: number; leastDays: number; gapsDays: number[] }[];
  readonly codes: Readonly<Record<string, readonly number[]>>;
}

const HALF_YEAR = 180;
const FUTURES = 1500;

/** A prompt as the file's notes tell to write it. */
function promptPlain(card: Card, { history, ageYears, sex, race }: MadeSample): number[] {
  const id = (name: string) => card.tokens.indexOf(name);
  const years = Math.floor(ageYears);
  const tokens = [
    id(`sex/${["unknown", "female", "male"][sex]}`),
    id(`race/${race}`),
    id(`quantile/${Math.floor(years / 10)}`),
    id(`quantile/${years % 10}`),
  ];
  let before: number | undefined;
  const isEnd = (i: number) =>
    (PLANTED_CODES.code[history.code[i] as number] as string).startsWith("HOSPITAL_DISCHARGE");
  // A discharge comes before what else its stay has at that moment; no two stays of these end together.
  const order = [...history.code.keys()].sort(
    (a, b) =>
      (history.daysBefore[b] as number) - (history.daysBefore[a] as number) ||
      Number(isEnd(b)) - Number(isEnd(a)),
  );
  for (const i of order) {
    const code = PLANTED_CODES.code[history.code[i] as number] as string;
    if (code === "MEDS_BIRTH") continue;
    const now = history.daysBefore[i] as number;
    const fitting = card.intervals.filter(({ leastDays }) => leastDays <= (before ?? now) - now);
    const interval = fitting.at(-1);
    if (interval !== undefined) tokens.push(interval.token);
    tokens.push(...(card.codes[code] ?? []));
    if (isEnd(i)) {
      const days = (history.visitStart[history.visit[i] as number] as number) - now;
      tokens.push(id(`quantile/${card.stayCutsDays.filter((cut) => cut < days).length}`));
    }
    before = now;
  }
  return tokens;
}

/**
 * What stands beside the end of a prompt of one stay that is over: all of its codes. Only the last position
 * is looked at, so the others can stay 0.
 */
function standingPlain(
  { firstCode }: Card,
  { prompt, sample }: Asked,
  [B, L]: readonly [number, number],
) {
  const weights = new Float32Array(B * 2 * L * L);
  const facts = new Float32Array(B * L * 7);
  const x = (sample.ageYears - 60) / 10;
  const stay = (sample.history.visitStart[0] ?? 0) - (sample.history.visitEnd[0] ?? 0);
  for (let b = 0; b < B; b++) {
    facts.set([1, x, (x * x) / 4, 1, 0, 0, Math.log1p(stay)], (b * L + L - 1) * 7);
    for (const [j, token] of prompt.entries()) {
      if (token < firstCode) continue;
      weights[(b * 2 * L + L - 1) * L + j] = prompt.indexOf(token) === j ? 1 : 0;
      weights[(b * 2 * L + 2 * L - 1) * L + j] = 1;
    }
  }
  return { "standing.weights": weights, "standing.facts": facts };
}

interface Asked {
  readonly prompt: readonly number[];
  readonly sample: MadeSample;
}

/** Probabilities [rows, V] after the last token of rows of one length, by the file alone. */
async function nextPlain(
  { bytes, inputs }: ExportedModel,
  card: Card,
  asked: Asked,
  rows: readonly (readonly number[])[],
) {
  const [B, L] = [rows.length, rows[0]?.length ?? 0];
  const causal = Float32Array.from({ length: L * L }, (_, i) =>
    i % L <= Math.floor(i / L) ? 0 : -1e9,
  );
  const feeds = {
    "tokens.ids": Int32Array.from(rows.flat()),
    "positions.ids": Int32Array.from({ length: B * L }, (_, i) => i % L),
    causal,
    ...standingPlain(card, asked, [B, L]),
  };
  const all = await runPlain(bytes, inputs, feeds, { B, L });
  const V = all.length / (B * L);
  return rows.map((_, b) => all.subarray((b * L + L - 1) * V, (b + 1) * L * V));
}

function draw(p: Float32Array, first: number, uniform: number): number {
  let left = uniform * p.subarray(first).reduce((a, x) => a + x, 0);
  let token = first;
  while (token < p.length - 1 && left >= (p[token] as number)) left -= p[token++] as number;
  return token;
}

interface Walk {
  row: number[];
  days: number;
  /** Undefined while it goes on. */
  isBack: boolean | undefined;
}

/** Adds a token to a future: is this the admission, the end, or something on the way? */
function append(walk: Walk, token: number, card: Card, random: Random): void {
  walk.row.push(token);
  const name = card.tokens[token] as string;
  const gaps = card.intervals.find((interval) => interval.token === token)?.gapsDays;
  if (gaps !== undefined) walk.days += gaps[random.below(gaps.length)] ?? HALF_YEAR;
  if (walk.days > (READMITTED.withinDays ?? 0) || token === card.end) walk.isBack = false;
  else if (name.startsWith("code/HOSPITAL_ADMISSION")) walk.isBack = true;
}

/** Share of futures of a prompt in which an admission comes within 15 days. */
async function sharePlain(exported: ExportedModel, card: Card, asked: Asked, futures: number) {
  const random = Random.fromSeed(8).derive("plain");
  const walks = Array.from(
    { length: futures },
    (): Walk => ({ row: [...asked.prompt], days: 0, isBack: undefined }),
  );
  for (let step = 0; step < 24; step++) {
    const open = walks.filter(({ isBack }) => isBack === undefined);
    if (open.length === 0) break;
    const next = await nextPlain(
      exported,
      card,
      asked,
      open.map(({ row }) => row),
    );
    for (const [i, walk] of open.entries()) {
      const token = draw(next[i] as Float32Array, card.firstGenerated, random.uniform());
      append(walk, token, card, random);
    }
  }
  const decided = walks.filter(({ isBack }) => isBack !== undefined);
  return decided.filter(({ isBack }) => isBack).length / decided.length;
}

t.test("futures drawn by onnxruntime alone give the model's probabilities", async (t) => {
  const course = { again: [0.9, 0.3], soon: 0.8, dies: [0.5, 0.5] } as const;
  const subjects = plantedSubjects(200, course, 3);
  const ill = subjects.find(({ isIll }) => isIll);
  const well = subjects.find(({ isIll }) => !isIll);
  if (ill === undefined || well === undefined) throw new Error("no subjects");
  const samples = atDischarge([ill, well], () => false);
  const held = source(samples);
  const fit = context(held, whole(subjects), READMITTED, { epochs: 15 });
  const model = await ethos.fit(fit, { ...SMALL, futures: FUTURES });
  t.teardown(() => model.dispose());
  const expected = await model.predict(held);
  const exported = await model.exportOnnx?.();
  if (exported === undefined) throw new Error("no ONNX form");
  t.same(exported.output.shape, ["B", "L", exported.columns?.length]);
  const card = exported.vocabulary as unknown as Card;
  t.same(card.tokens, exported.columns);
  for (const [i, sample] of samples.entries()) {
    const asked = { prompt: promptPlain(card, sample), sample };
    const share = await sharePlain(exported, card, asked, FUTURES);
    const p = expected[i] as number;
    // Two shares of as many futures each differ by less than four standard deviations.
    const most = 4 * Math.sqrt((2 * p * (1 - p)) / FUTURES);
    t.ok(p > 0.1 && p < 0.9 && Math.abs(share - p) < most, `${share} and ${p}`);
  }
});

t.test("the file gives the next token's probabilities at the fit's temperature", async (t) => {
  const subjects = plantedSubjects(40, { again: [0.6, 0.6], soon: 0.5, dies: [0.5, 0.5] }, 4);
  const held = source(atDischarge(subjects.slice(0, 3), () => false));
  const exportAt = async (temperature: number) => {
    const fit = context(held, whole(subjects), READMITTED, { epochs: 2 });
    const model = await ethos.fit(fit, { ...SMALL, temperature });
    const exported = await model.exportOnnx?.();
    await model.dispose();
    if (exported === undefined) throw new Error("no ONNX form");
    const card = exported.vocabulary as unknown as Card;
    const sample = atDischarge(subjects, () => false)[0] as MadeSample;
    const prompt = promptPlain(card, sample);
    return (await nextPlain(exported, card, { prompt, sample }, [prompt]))[0] as Float32Array;
  };
  const [plain, cool] = [await exportAt(1), await exportAt(0.5)];
  const sum = plain.reduce((a, p) => a + p * p, 0);
  t.ok(
    furthest(
      cool,
      plain.map((p) => (p * p) / sum),
    ) < 1e-5,
    "half the temperature squares them",
  );
});
