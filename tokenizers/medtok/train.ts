/**
 * Training: the loop over steps, with a log to plot, care of the codebook, early stop, and checkpoints from
 * which an interrupted training goes on to the same artefact, bit for bit.
 */
import type { Random } from "../../core/random.ts";
import { makeSchedule } from "../../engine/optimizer.ts";
import { Batcher } from "./batch.ts";
import { packCheckpoint, unpackCheckpoint } from "./checkpoint.ts";
import { fillFromData } from "./codebook-care.ts";
import type { MedTokConfig } from "./config.ts";
import { ForwardPass } from "./forward.ts";
import { Monitor, shouldStop } from "./monitor.ts";
import { fillFromTexts } from "./node-start.ts";
import { Stepper } from "./stepper.ts";
import type { MedTokInputs, TextEncoderState, TrainContext, TrainedMedTok } from "./types.ts";

/** Key of the checkpoint. */
const CHECKPOINT = "medtok";
/** Dead rows are not moved in the last part of the training, so that they can settle. */
const RESTARTS_UNTIL = 0.9;
/** Buckets of a step; few for small batches. */
const bucketsFor = (batch: number): number => Math.max(1, Math.min(4, Math.floor(batch / 64)));

/** Which codes step `step` takes: a new order each epoch, the incomplete last batch left out. */
class Order {
  readonly #random: Random;
  readonly #codes: number;
  readonly #batch: number;
  #epoch = -1;
  #order = new Int32Array(0);

  constructor(codes: number, batch: number, random: Random) {
    this.#codes = codes;
    this.#batch = batch;
    this.#random = random;
  }

  rows(step: number): Int32Array {
    const perEpoch = Math.floor(this.#codes / this.#batch);
    const epoch = Math.floor(step / perEpoch);
    if (epoch !== this.#epoch) {
      this.#order = Int32Array.from({ length: this.#codes }, (_, i) => i);
      this.#random.derive(epoch).shuffle(this.#order);
      this.#epoch = epoch;
    }
    const start = (step - epoch * perEpoch) * this.#batch;
    return this.#order.subarray(start, start + this.#batch);
  }
}

/** First values that are not drawn. Without text, nodes are: an ablation shall not read what it leaves out. */
async function start(
  stepper: Stepper,
  inputs: MedTokInputs,
  config: MedTokConfig,
  context: TrainContext,
): Promise<void> {
  if (config.nodeInit === "text" && config.modality === "both")
    fillFromTexts(stepper.state.parameter("nodes"), inputs, context.random.derive("nodes"));
  if (config.codebookInit === "data") await startCodebook(stepper, inputs, config, context);
}

/** First rows of the codebook from the untrained network's vectors of random codes. */
async function startCodebook(
  stepper: Stepper,
  inputs: MedTokInputs,
  config: MedTokConfig,
  context: TrainContext,
): Promise<void> {
  const random = context.random.derive("codebook");
  const count = Math.min(inputs.codes.code.length, Math.ceil(config.codebookSize / 3));
  const all = random.shuffle(Int32Array.from({ length: inputs.codes.code.length }, (_, i) => i));
  const parameters = new Map(
    stepper.state.names.map((name) => [name, stepper.state.parameter(name)]),
  );
  const forward = await ForwardPass.create({ config, parameters }, inputs, context.threads);
  const vectors = await forward.run(all.subarray(0, count));
  await forward.release();
  fillFromData(stepper.state.parameter("codebook"), vectors, config, random);
}

function klRows(config: MedTokConfig, random: Random): Record<string, Int32Array> {
  const third = Math.floor(config.codebookSize / 3);
  const [from, to] =
    config.protocol === "paper" ? [0, config.codebookSize] : [third, config.codebookSize - third];
  const isUsed = config.klWeight !== 0 && config.modality === "both";
  if (!isUsed || config.klRows === 0 || config.klRows >= to - from) return {};
  const rows = Int32Array.from({ length: config.klRows }, () => from + random.below(to - from));
  return { klRows: rows };
}

/** The feeds of step `step`; they depend on nothing but the step and the seed. */
export function stepFeeds(
  batcher: Batcher,
  rows: Int32Array,
  config: MedTokConfig,
  random: Random,
  step: number,
) {
  const made = batcher.feeds(rows, {
    buckets: bucketsFor(rows.length),
    view: random.derive("edges").derive(step),
    edgeDropout: config.edgeDropout,
  });
  return { ...made, feeds: { ...made.feeds, ...klRows(config, random.derive("kl").derive(step)) } };
}

/** A config whose batch is not larger than the number of codes. */
function fitted(config: MedTokConfig, codes: number): MedTokConfig {
  return { ...config, batch: Math.min(config.batch, codes) };
}

/**
 * Trains MedTok. The result depends on the inputs, the configuration and the seed alone: neither on the
 * number of threads nor on interruptions. @throws the signal's reason when it is aborted.
 */
export async function trainMedTok(
  inputs: MedTokInputs,
  textEncoder: TextEncoderState,
  options: MedTokConfig,
  context: TrainContext,
): Promise<TrainedMedTok> {
  const config = fitted(options, inputs.codes.code.length);
  const buckets = bucketsFor(config.batch);
  const { random, threads, signal } = context;
  const stepper = await Stepper.create(config, inputs, buckets, random, threads);
  try {
    const monitor = new Monitor(config);
    const saved = await context.checkpoints?.load(CHECKPOINT);
    if (saved !== undefined) unpackCheckpoint(saved, stepper.state, monitor);
    else await start(stepper, inputs, config, context);
    const stoppedBy = await loop({ inputs, config, context, stepper, monitor });
    signal.throwIfAborted();
    return {
      config,
      parameters: stepper.state.exportParameters(),
      shapes: stepper.shapes,
      textEncoder,
      hashes: { text: inputs.text.hash, graph: inputs.subgraphs.hash },
      steps: stepper.state.step,
      stoppedBy,
      log: monitor.log,
    };
  } finally {
    await stepper.release();
  }
}

interface Training {
  readonly inputs: MedTokInputs;
  readonly config: MedTokConfig;
  readonly context: TrainContext;
  readonly stepper: Stepper;
  readonly monitor: Monitor;
}

async function loop(training: Training): Promise<TrainedMedTok["stoppedBy"]> {
  const { inputs, config, context, stepper, monitor } = training;
  const { random, signal, report } = context;
  const factor = makeSchedule(config.schedule, config.warmup, config.steps);
  const order = new Order(inputs.codes.code.length, config.batch, random.derive("order"));
  const batcher = new Batcher(inputs, config);
  while (stepper.state.step < config.steps) {
    signal.throwIfAborted();
    if (shouldStop(monitor.log, config.patience)) return "patience";
    const step = stepper.state.step;
    const feeds = stepFeeds(batcher, order.rows(step), config, random, step);
    const result = await stepper.step(feeds, factor(step));
    monitor.add(result);
    const done = step + 1;
    const isRestart = config.restartEvery > 0 && done % config.restartEvery === 0;
    if (isRestart && done <= RESTARTS_UNTIL * config.steps)
      monitor.restart(
        stepper.state.parameter("codebook"),
        result,
        random.derive("restart").derive(step),
      );
    if (done % config.logEvery === 0 || done === config.steps) monitor.write(done, factor(step));
    if (done % config.checkpointEvery === 0 && done < config.steps)
      await context.checkpoints?.save(CHECKPOINT, packCheckpoint(stepper.state, monitor));
    report("training medtok", done, config.steps);
  }
  return "steps";
}
