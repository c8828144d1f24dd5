/** The way from a code up to its system, as nodes of the graph (medtok.md 9.3). */
import { isIcd, splitCode } from "../../../core/vocabulary/codes.ts";
import { ancestors } from "../../../core/vocabulary/hierarchy.ts";

/** Everything above a code, nearest first: longer prefixes, category, blocks, chapter, and the system itself. */
export function pathUp(code: string): readonly string[] {
  const [system] = splitCode(code);
  return system === "" || system === code ? [] : [...ancestors(code), system];
}

/** What kind of node an id is: a system, `ICD10CM block`, or the system of a code. */
export function nodeTypeOf(id: string): string {
  const slash = id.indexOf("/");
  if (slash < 0) return "system";
  const system = id.slice(0, slash);
  return isIcd(system) && id.includes("-", slash) ? `${system} block` : system;
}
