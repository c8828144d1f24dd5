/** The two stages of MulT-EHR before training (`mult-ehr.ts` says what they are). */
import type { FitContext } from "../core/model.ts";
import type { Tensor } from "../engine/graph.ts";
import { frozenTables } from "./code-embedding.ts";
import { drugClasses, groupsSeen } from "./drug-graphs.ts";
import { drawEdges, edgeLoss, edgeSource } from "./graph-edges.ts";
import type { Full, Setup } from "./model-graphs.ts";
import { tasksLoss } from "./mult-ehr-losses.ts";
import { nextVisits } from "./next-visit.ts";
import { type PretrainStage, runStage, type StageGraph } from "./pretraining.ts";

/** Hyperparameters that the stages read. */
export interface StageHyperparameters {
  readonly [name: string]: number | string | boolean;
  readonly inputWidth: number;
  readonly initialScale: number;
  readonly maxVisits: number;
  readonly pretrainEpochs: number;
  readonly pretrainLearningRate: number;
  readonly edgeMargin: number;
}

/** Draws of a part of a batch of timelines: bounds what is held of the edges' vectors. */
const PRETRAIN_TOKENS = 8192;

/**
 * Vectors of codes from the edges of training timelines, then, from these, the auxiliary tasks; training starts from
 * what the second stage leaves.
 * @param state h of each timeline, [B, D].
 */
export async function multEhrStages<H extends StageHyperparameters>(
  context: FitContext,
  setup: Setup<H>,
  state: (stage: StageGraph) => Tensor,
) {
  const { model, tokenizer, limits } = setup;
  const h: Full<H> = setup.hyperparameters;
  const timelines = await context.timelines(model.history(h));
  const common = { epochs: h.pretrainEpochs, held: frozenTables(tokenizer) };
  const { inputWidth: width, initialScale, edgeMargin: margin, maxVisits } = h;
  const edges: PretrainStage = {
    ...common,
    name: "edges",
    source: edgeSource(timelines),
    limits: { tokens: PRETRAIN_TOKENS, bytesOfSample: () => 0 },
    hyperparameters: { ...h, learningRate: h.pretrainLearningRate, weightDecay: 0 },
    loss: ({ graph, total }) => edgeLoss(graph, total, tokenizer, { width, initialScale, margin }),
    feeds: (samples, _, random) => drawEdges(timelines, tokenizer, samples, random),
  };
  const first = await runStage(edges, context);
  const { codes } = context;
  const classes = drugClasses(codes, groupsSeen(codes, timelines));
  const tasks: PretrainStage = {
    ...common,
    name: "tasks",
    source: model.inputs(timelines, tokenizer, { ...h, readout: "summary" }),
    limits,
    hyperparameters: { ...h, learningRate: h.pretrainLearningRate },
    start: first.parameters,
    loss: (stage) => tasksLoss(stage.graph, state(stage), classes.groups.length, stage.total),
    feeds: (samples, collated, random) =>
      nextVisits({ timelines, codes, classes, maxVisits }, samples, collated, random),
  };
  const second = await runStage(tasks, context);
  return { parameters: second.parameters, summaries: [first.summary, second.summary] };
}
