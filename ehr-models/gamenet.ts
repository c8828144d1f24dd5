/**
 * GAMENet: graph augmented memory networks for recommending drugs.
 *
 * Shang, Xiao, Ma, Li, Sun: GAMENet: Graph Augmented MEmory Networks for Recommending Medication
 * Combination, AAAI 2019, and its published code. B samples, T visits, D drug classes in memory, C classes
 * of the target, e width, H = 2e; visit T is the current one, the last of the history.
 *
 *   i_t = mean over the visit's diagnoses of drop(E[c]),  j_t over its procedures              [B, T, e]
 *   o_t = GRU_1(i)_t,  u_t = GRU_2(j)_t                                                       [B, T, H]
 *   q_t = ReLU([o_t; u_t]) Wq + bq                                                            [B, T, e]
 *   Â   = D^-1 (A + I);   GCN(A) = Â (drop(ReLU(Â W0 + b0)) W1) + b1     (node features are one-hot)
 *   Mem = GCN_e(A_e) - λ GCN_d(A_d)                                                           [D, e]
 *   a   = softmax(q_T Memᵀ),  o_b = a Mem                                                     [B, e]
 *   s   = softmax over visits t < T of (q_t · q_T),  w = Σ_t s_t m_t,  o_d = w Mem;  o_b where there is none
 *   z   = W_2 ReLU(W_1 ReLU([q_T; o_b; o_d]) + b_1) + b_2                                     [B, C]
 *
 *   L_p   = 0.9 · BCE(z, y) + 0.01 · (1/C) Σ_{i in Y} Σ_{j not in Y} max(0, 1 - (σ(z_i) - σ(z_j)))
 *   L_ddi = mean over i, j of A_d[i,j] σ(z_i) σ(z_j)
 *   ρ     = share of interacting pairs in the set predicted for the sample at 0.5
 *   L     = L_ddi where ρ > 0.05 and a coin falls below exp((0.05 - ρ)/τ), else L_p;  τ = 0.5 · 0.85^epoch
 *
 * A_e joins classes that training subjects were given in one visit, A_d those that a file says interact;
 * m_t are the classes given in visit t. As σ lies between 0 and 1 the hinge is never at rest, so its double
 * sum is |Y| |N| - |N| Σ_Y σ + |Y| Σ_N σ, with N the classes not in Y.
 *
 * Where the target's classes are ATC groups they are the memory's classes. For a target of single drugs the
 * memory keeps all third-level classes seen in training, and only the output shrinks; L_ddi is dropped, as
 * a handful of drugs hold next to no interactions.
 *
 * Deviation: A_e is built from training subjects; the authors' from all (G1).
 * Deviation: A_e joins classes that were given together more often than by chance (`minLift`); the authors'
 *   joins whatever was given together once, which in 10,000 synthetic subjects are 99 % of all pairs: then
 *   every row of Â is the same mean, and the memory cannot tell drugs apart. 0, in the paper's preset, is theirs.
 * Deviation: λ is a logistic function of its parameter, so that it cannot turn the interactions' sign (G9).
 * Deviation: mini-batches; ρ, the coin and the choice of loss are each sample's own (G6).
 * Deviation: the current visit's drugs are not given to the model at all, whatever the task hides, and codes
 *   come from one table, as units of different kinds are different rows anyway.
 * Deviation: beside [q_T; o_b; o_d] the output reads sums of the vectors of diagnoses and procedures over the
 *   history and over the current visit (`code-sums.ts`), and which classes were given in the visit before and in
 *   any earlier one; the latter two also through a layer of their own. The memory smooths a class over its
 *   neighbours and its reader averages visits, so that a drug that is simply taken on can hardly be told, and means
 *   over codes lose what one of many says. `readout = summary`, in the paper's preset, is the equation above.
 * Deviation: tables start at a normal distribution of the deviation that the authors' U(-0.1, 0.1) has.
 * Without a table of interactions (`interactions=false`) Mem is GCN_e alone and L is L_p: the authors' ablation.
 */
import { BenchError } from "../core/errors.ts";
import { CODE_KINDS, type CodeKind } from "../core/event-store.ts";
import type { SampleSource } from "../core/samples.ts";
import type { Tokenizer } from "../core/tokenizer.ts";
import type { Tensor } from "../engine/graph.ts";
import { dropout } from "../engine/layers/dropout.ts";
import { gru } from "../engine/layers/gru.ts";
import { linear } from "../engine/layers/linear.ts";
import { relu } from "../engine/ops/activation.ts";
import { add, div, equals, mul, shift } from "../engine/ops/elementwise.ts";
import { concat, reshape, slice, transpose } from "../engine/ops/layout.ts";
import { matmul } from "../engine/ops/matmul.ts";
import { sum } from "../engine/ops/reduction.ts";
import { multiplyDims } from "../engine/shape.ts";
import type { BatchSource } from "./batch-source.ts";
import { checkRates, checkSizes, checkWord } from "./checks.ts";
import { embedCodes } from "./code-embedding.ts";
import { codeSums, READOUTS, readSums } from "./code-sums.ts";
import { type DrugMemory, drugMemory, interactionFile } from "./drug-graphs.ts";
import { COIN, drugLoss, TEMPERATURE } from "./drug-loss.ts";
import {
  drugVectors,
  earlierDrugs,
  heldGraphs,
  INTERACTIONS,
  readByHistory,
  readByQuery,
} from "./gamenet-memory.ts";
import { defineGraphModel } from "./graph-model.ts";
import { INTERACTION_FILE, readInteractions } from "./interactions.ts";
import { type ForwardContext, type GraphModel, TRAINING_DEFAULTS } from "./model-graphs.ts";
import { visitInputs } from "./visit-inputs.ts";

const DEFAULTS = {
  ...TRAINING_DEFAULTS,
  learningRate: 3e-3,
  batchSize: 32,
  width: 64,
  /** Of elements of the codes' vectors. */
  inputDropout: 0.4,
  graphDropout: 0.3,
  /** Of whole codes in the sums, and of the elements of sums and their hidden layer. */
  codeDropout: 0.3,
  dropout: 0.3,
  /** What the output reads: `summary`, which is q_T, o_b and o_d, or `summary+sums`. */
  readout: "summary+sums" as string,
  /** Width of the hidden layer behind `summary+sums`. */
  hidden: 256,
  initialScale: 0.058,
  /** T; the latest visits are kept. */
  maxVisits: 12,
  maxCodes: 1024,
  /** How many times as often as by chance two classes must be given together to be joined in A_e. */
  minLift: 1.5,
  /** Whether a table of interactions is read (--model-file ddi=FILE). */
  interactions: true,
  bceWeight: 0.9,
  marginWeight: 0.01,
  /** ρ that is tolerated. */
  interactionTarget: 0.05,
  temperature: 0.5,
  temperatureDecay: 0.85,
};
type H = typeof DEFAULTS;

function kindIs(kinds: Tensor, kind: CodeKind): Tensor {
  return reshape(equals(kinds, CODE_KINDS.indexOf(kind)), ["B", "L", 1]);
}

/** max(x, 1) of counts. */
function atLeastOne(x: Tensor): Tensor {
  return shift(relu(shift(x, -1)), 1);
}

/** Mean vector of the codes of one kind in each visit, [B, T, e]; zero where there is none. */
function visitMeans(vectors: Tensor, kind: CodeKind, { inputs, hyperparameters }: Context): Tensor {
  const { width: e, maxVisits: T } = hyperparameters;
  const ofKind = kindIs(inputs["kinds"] as Tensor, kind);
  const belongs = mul(inputs["membership"] as Tensor, ofKind); // [B, L, T]
  const upright = transpose(reshape(vectors, ["B", "L", e]), [0, 2, 1]);
  const count = reshape(sum(belongs, [1]), ["B", 1, T]);
  return transpose(div(matmul(upright, belongs), atLeastOne(count)), [0, 2, 1]);
}

type Context = ForwardContext<H>;

/** q_t, [B, T, e]; after the last visit it stays what it was there. */
function queries(embedded: Tensor, context: Context): Tensor {
  const { inputs, hyperparameters: h } = context;
  const { width: e, maxVisits: T } = h;
  const vectors = dropout(embedded, h.inputDropout, "codes");
  const mask = inputs["visitMask"] as Tensor;
  const states = (kind: CodeKind) =>
    gru(visitMeans(vectors, kind, context), kind, { batch: "B", steps: T, width: 2 * e, mask });
  const both = reshape(concat([states("diagnosis"), states("procedure")], 2), [
    multiplyDims("B", T),
    4 * e,
  ]);
  return reshape(linear(relu(both), e, "query", { fewRows: true }), ["B", T, e]);
}

/** Σ w_p E[c_p] over diagnoses and procedures of the history, and of the current visit, [B, 2e]. */
function conditionSums(embedded: Tensor, { inputs, hyperparameters: h }: Context): Tensor {
  const kinds = inputs["kinds"] as Tensor;
  const isRead = (["diagnosis", "procedure"] as const)
    .map((kind) => reshape(kindIs(kinds, kind), ["B", "L"]))
    .reduce(add);
  const weight = (name: string) => mul(inputs[name] as Tensor, isRead);
  return codeSums(embedded, [weight("share"), weight("isLast")], h);
}

function forward(context: Context, memory: DrugMemory): Tensor {
  const { graph: g, inputs, tokenizer, hyperparameters: h, classes } = context;
  const { width: e, maxVisits: T } = h;
  const embedded = embedCodes(inputs["codes"] as Tensor, tokenizer, e, h.initialScale);
  const q = queries(embedded, context);
  const query = reshape(slice(q, 1, T - 1, T), ["B", e]);
  const drugs = drugVectors(g, memory, h);
  const byQuery = readByQuery(query, drugs);
  const byHistory = readByHistory(q, query, drugs, byQuery, context);
  const joined = relu(concat([query, byQuery, byHistory], 1));
  if (h.readout === "summary") {
    const hidden = relu(linear(joined, 2 * e, "hidden", { fewRows: true }));
    return linear(hidden, classes, "output", { fewRows: true });
  }
  const earlier = concat(earlierDrugs(context, T, memory.classes.groups.length), 1);
  const sums = concat([conditionSums(embedded, context), earlier], 1);
  const kept = linear(earlier, classes, "kept", { fewRows: true });
  return add(readSums(joined, sums, classes, h), kept);
}

/** Adds `drugs` [B, T, D]: the classes given in each visit before the current one, whose own are left out (G8). */
function withDrugs(
  base: BatchSource,
  source: SampleSource,
  memory: DrugMemory,
  T: number,
): BatchSource {
  const { groups, ofCode } = memory.classes;
  const D = groups.length;
  return {
    ...base,
    specs: { ...base.specs, drugs: { type: "float32", shape: ["B", T, D] } },
    collate(samples) {
      const { feeds, dims } = base.collate(samples);
      const drugs = new Float32Array(samples.length * T * D);
      for (const [b, sample] of samples.entries()) {
        const { length, code, visit, visitCount } = source.read(sample);
        const cut = Math.max(0, visitCount - T);
        for (let i = 0; i < length; i++) {
          const v = visit[i] as number;
          const d = ofCode[code[i] as number] as number;
          if (d >= 0 && v >= cut && v < visitCount - 1) drugs[(b * T + v - cut) * D + d] = 1;
        }
      }
      return { feeds: { ...feeds, drugs }, dims };
    },
  };
}

function inputs(source: SampleSource, tokenizer: Tokenizer, h: H, memory: DrugMemory): BatchSource {
  const options = {
    maxVisits: h.maxVisits,
    maxVisitCodes: h.maxCodes,
    order: "oldest-first",
    fixedVisits: true,
  } as const;
  const published = ["codes", "kinds", "membership", "visitMask"] as const;
  const columns =
    h.readout === "summary" ? published : ([...published, "share", "isLast"] as const);
  return withDrugs(visitInputs(source, tokenizer, options, columns), source, memory, h.maxVisits);
}

/** The model over one memory. */
export function gamenetOver(
  memory: DrugMemory,
  { temperature, temperatureDecay }: H,
): GraphModel<H> {
  const hasInteractionLoss = memory.isNative && memory.interacting !== undefined;
  const lossFeeds: NonNullable<GraphModel<H>["lossFeeds"]> = (samples, epoch, random) => ({
    [COIN]: Float32Array.from(samples, () => random.uniform()),
    [TEMPERATURE]: Float32Array.of(temperature * temperatureDecay ** (epoch - 1)),
  });
  return {
    ...gamenetModel,
    held: heldGraphs(memory),
    inputs: (source, tokenizer, h) => inputs(source, tokenizer, h, memory),
    forward: (context) => forward(context, memory),
    loss: (context) => drugLoss(context, hasInteractionLoss ? INTERACTIONS : undefined),
    ...(hasInteractionLoss ? { lossFeeds } : {}),
  };
}

const unprepared = (): never => {
  throw new Error("gamenet: withData comes first");
};

function check(h: H): void {
  checkRates(h, ["interactionTarget"]);
  checkSizes(h, ["width", "hidden", "maxVisits", "maxCodes"]);
  checkWord("readout", h.readout, READOUTS);
  if (h.maxVisits < 2 || !(h.temperature > 0 && h.temperatureDecay > 0 && h.minLift >= 0))
    throw new BenchError({
      what: `maxVisits is ${h.maxVisits}, minLift ${h.minLift}, temperature ${h.temperature}, temperatureDecay ${h.temperatureDecay}`,
      fix: "give at least 2 visits, a lift of at least 0, and a temperature and decay above 0",
      exitCode: 2,
    });
}

export const gamenetModel: GraphModel<H> = {
  name: "gamenet",
  version: 2,
  description:
    "Memory of drugs from graphs of co-prescriptions and interactions, read by the visit and by earlier visits; drug tasks only.",
  reference: "Shang et al., GAMENet, AAAI 2019",
  accepts: ["multilabel"],
  defaults: DEFAULTS,
  presets: {
    default: {},
    paper: {
      learningRate: 2e-4,
      batchSize: 1,
      readout: "summary",
      minLift: 0,
      weightDecay: 0,
      clipNorm: 0,
      schedule: "constant",
      warmup: 0,
      averaging: 0,
    },
  },
  files: { ddi: INTERACTION_FILE },
  refuses: ({ labels: { classCodes } }) =>
    classCodes?.every((codes) => codes.every((code) => code.startsWith("ATC/"))) === true
      ? null
      : "it remembers which drugs were given, and the classes asked for are no drugs",
  history: ({ maxCodes }) => ({ maxCodes, repeats: "once-per-visit" }),
  check,
  checkFiles: ({ interactions }, files) => {
    if (interactions) readInteractions(interactionFile(files));
  },
  recurrent: true,
  bytesOfSample: (length, { width, maxVisits }) => 4 * length * Math.max(width, maxVisits),
  withData: async (context, h) => gamenetOver(await drugMemory(context, h), h),
  inputs: unprepared,
  forward: unprepared,
};

export const gamenet = defineGraphModel(gamenetModel);
