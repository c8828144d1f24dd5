/**
 * Instants are microseconds since 1970-01-01 as a float64 (exact from the year 1684 to 2255). Sources
 * give naive local times; they are read as if UTC everywhere, so that no daylight-saving gap is invented.
 */

export const MICROS_PER_HOUR = 3600e6;
export const MICROS_PER_DAY = 86400e6;
/** Mean length of a Gregorian year in days. */
export const DAYS_PER_YEAR = 365.2425;

/** `YYYY-MM-DD HH:MM:SS` of an instant in microseconds. */
export function formatInstant(micros: number): string {
  return new Date(micros / 1000).toISOString().slice(0, 19).replace("T", " ");
}

/** Microseconds of `YYYY-MM-DD[ HH:MM:SS]`; NaN when the text is not such an instant. */
export function parseInstant(text: string): number {
  return (
    Date.parse(`${text.trim().replace(" ", "T")}${text.trim().length === 10 ? "T00:00:00" : ""}Z`) *
    1000
  );
}
