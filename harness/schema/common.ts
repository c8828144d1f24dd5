/** Pieces of the published schemas that records and the leaderboard share. */
import { z } from "zod";
import { FLAW_NAMES } from "../../core/protocol.ts";

/** Stands in place of a number that would tell a count below 10 about real subjects. */
export const MASKED = "masked";
export const masked = z.literal(MASKED);

export const count = z.int().nonnegative();
/** A number of subjects, visits or samples. */
export const subjectCount = z
  .union([count, masked])
  .describe(`"${MASKED}" where the number, or one that follows from it, is below 10 in real data`);
export const share = z.number().min(0).max(1);
export const maskedShare = z.union([share, masked]);
export const seconds = z.number().nonnegative();

const NAME = /^[a-z0-9]+([-_.][a-z0-9]+)*$/;
export const name = z.string().regex(NAME, "must be a name such as mimic4 or los-icu");
export const version = z.int().positive();
/** 8 to 64 hex digits. */
export const hash = z.string().regex(/^[0-9a-f]{8,64}$/, "must be 8 to 64 hex digits");

export const source = z
  .enum(["real", "demo", "synthetic"])
  .describe("where the data came from; sources are never ranked together");
export const tokenizerOrigin = z
  .enum(["run", "files", "folder"])
  .describe(
    "run: made from the run's own data; files: also from files that were given (code tables, a graph, an " +
      "encoder); folder: loaded, trained before",
  );
export const protocol = z
  .enum(["strict", "paper"])
  .describe("strict: this benchmark's rules; paper: what the MedTok code does, flaws included");
export const flaws = z
  .array(z.enum(FLAW_NAMES))
  .describe("of protocol paper: which flaws of the paper's code were on; absent under strict");
/** Values a command line can set. */
export const settings = z.record(z.string(), z.union([z.number(), z.boolean(), z.string()]));
export const taskOptions = z.record(z.string(), z.number());

/** Arrays and objects of `T`, all read-only. */
export type DeepReadonly<T> = T extends (infer U)[]
  ? readonly DeepReadonly<U>[]
  : T extends object
    ? { readonly [K in keyof T]: DeepReadonly<T[K]> }
    : T;
