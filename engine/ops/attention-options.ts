/** What attention can be asked for. */
import type { Tensor } from "../graph.ts";

export interface AttentionOptions {
  /** Added to the scores, broadcast to [B, h, M, L]; finite (-1e9 hides a key), without gradient. */
  readonly bias?: Tensor;
  /** Dropout mask for the weights, [B, h, M, L], without gradient. */
  readonly mask?: Tensor;
  /** Whether each query sees only keys at or before its own position; M and L are then the same. */
  readonly causal?: boolean;
  /**
   * One head of one sample at a time, with scores computed again on the way back, so that never more than
   * L·L scores are held; see `needsChunks` in `attention.ts`. Wants a bias per key, [B or 1, 1, 1, L].
   */
  readonly chunked?: boolean;
}
