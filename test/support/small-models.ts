/** Settings for tests of models: so small that 12 models are fitted in seconds, and without regularisation. */
import type { Hyperparameters } from "../../core/model.ts";

export interface SmallModel {
  readonly settings: Hyperparameters;
  /** Epochs in which 32 samples are learned by heart. */
  readonly epochs: number;
  /** Whether it never reads a label, so that learning one by heart has to be shown elsewhere (its own tests). */
  readonly isZeroShot?: boolean;
  /** Whether it draws no random number: another seed is the same model. */
  readonly isDeterministic?: boolean;
}

const TRAINING = { batchSize: 8, weightDecay: 0, schedule: "constant", warmup: 0, averaging: 0 };

/** One entry a registered model; the conformance suite says when one is missing. */
export const SMALL_MODELS: Readonly<Record<string, SmallModel>> = {
  transformer: {
    epochs: 25,
    settings: {
      ...TRAINING,
      width: 16,
      heads: 2,
      layers: 1,
      feedForward: 16,
      dropout: 0,
      inputDropout: 0,
      codeDropout: 0,
      initialScale: 0.3,
      learningRate: 1e-2,
    },
  },
  transformehr: {
    epochs: 40,
    settings: {
      ...TRAINING,
      width: 16,
      heads: 2,
      encoderLayers: 1,
      decoderLayers: 1,
      feedForward: 16,
      dropout: 0,
      inputDropout: 0,
      codeDropout: 0,
      initialScale: 0.3,
      learningRate: 1e-2,
    },
  },
  "mult-ehr": {
    epochs: 40,
    settings: {
      ...TRAINING,
      inputWidth: 16,
      width: 16,
      heads: 4,
      maxVisits: 4,
      dropout: 0,
      inputDropout: 0,
      codeDropout: 0,
      denoising: false,
      initialScale: 0.3,
      learningRate: 1e-2,
    },
  },
  gamenet: {
    epochs: 40,
    settings: {
      ...TRAINING,
      width: 16,
      inputDropout: 0,
      graphDropout: 0,
      maxVisits: 4,
      initialScale: 0.3,
      learningRate: 1e-2,
      interactions: false,
    },
  },
  logistic: { epochs: 6, isDeterministic: true, settings: { smallestC: 1e-3, largestC: 1e4 } },
  mlp: {
    epochs: 20,
    settings: {
      ...TRAINING,
      width: 16,
      hidden1: 32,
      hidden2: 16,
      dropout: 0,
      inputDropout: 0,
      codeDropout: 0,
      initialScale: 0.3,
      learningRate: 1e-2,
    },
  },
  gru: {
    epochs: 20,
    settings: {
      ...TRAINING,
      width: 16,
      hidden: 16,
      dropout: 0,
      inputDropout: 0,
      codeDropout: 0,
      initialScale: 0.3,
      maxVisits: 4,
      learningRate: 1e-2,
    },
  },
  retain: {
    epochs: 25,
    settings: {
      ...TRAINING,
      width: 16,
      alphaHidden: 8,
      betaHidden: 8,
      dropout: 0,
      inputDropout: 0,
      codeDropout: 0,
      initialScale: 0.3,
      maxVisits: 4,
      learningRate: 1e-2,
    },
  },
  ethos: {
    epochs: 3,
    isZeroShot: true,
    settings: {
      ...TRAINING,
      width: 16,
      heads: 2,
      layers: 1,
      feedForward: 32,
      dropout: 0,
      context: 64,
      newTokens: 16,
      leastSubjects: 1,
      futures: 3,
      learningRate: 1e-2,
    },
  },
  behrt: {
    epochs: 25,
    settings: {
      ...TRAINING,
      width: 16,
      heads: 2,
      layers: 1,
      feedForward: 16,
      dropout: 0,
      inputDropout: 0,
      codeDropout: 0,
      initialScale: 0.3,
      maxLength: 32,
      learningRate: 1e-2,
    },
  },
  "gt-behrt": {
    epochs: 40,
    settings: {
      ...TRAINING,
      nodeWidth: 8,
      graphLayers: 2,
      width: 16,
      heads: 2,
      layers: 1,
      feedForward: 16,
      dropout: 0,
      codeDropout: 0,
      initialScale: 0.3,
      maxVisits: 4,
      maxNodes: 16,
      learningRate: 1e-2,
    },
  },
};
