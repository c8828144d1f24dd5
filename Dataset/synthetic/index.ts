/** Synthetic twins: made-up patients as raw files in a source's own layout. */
export { generateTwin } from "./generate.ts";
export {
  GENERATOR_VERSION,
  type RiskStructure,
  type TwinLayout,
  type TwinOptions,
  type TwinSummary,
  twinLayouts,
} from "./options.ts";
