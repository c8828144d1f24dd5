/** Fast text of dates and times. Instants here are whole minutes, days whole days, since 2000-01-01. */

export const MINUTES_PER_DAY = 1440;
const EPOCH_DAY = 10957; // 2000-01-01 counted from 1970-01-01
const MS_PER_DAY = 86_400_000;

// Sized beforehand: arrays that grow from a high index become hash tables.
const dayTexts = new Array<string | undefined>(100_000);
const years = new Array<number | undefined>(100_000);
const two = (n: number): string => String(n).padStart(2, "0");
const clockTexts = Array.from(
  { length: MINUTES_PER_DAY },
  (_, minute) => ` ${two(Math.floor(minute / 60))}:${two(minute % 60)}:`,
);
const wholeMinuteTexts = clockTexts.map((text) => `${text}00`);

/** `YYYY-MM-DD`; days before 2000 (negative) are not cached. */
export function dayText(day: number): string {
  const known = dayTexts[day];
  if (known !== undefined) return known;
  const text = new Date((day + EPOCH_DAY) * MS_PER_DAY).toISOString().slice(0, 10);
  if (day >= 0) dayTexts[day] = text;
  return text;
}

/** `YYYY-MM-DD HH:MM:SS`. */
export function timeText(minutes: number, seconds = 0): string {
  const day = Math.floor(minutes / MINUTES_PER_DAY);
  const minute = minutes - day * MINUTES_PER_DAY;
  if (seconds === 0) return dayText(day) + (wholeMinuteTexts[minute] as string);
  return dayText(day) + (clockTexts[minute] as string) + two(seconds);
}

/** Calendar year of a day. */
export function yearOf(day: number): number {
  const known = years[day];
  if (known !== undefined) return known;
  const year = Number(dayText(day).slice(0, 4));
  if (day >= 0) years[day] = year;
  return year;
}

/** First day of a year, month counted from 1. */
export function dayOf(year: number, month = 1, dayOfMonth = 1): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, dayOfMonth);
  return Math.round(date.getTime() / MS_PER_DAY) - EPOCH_DAY;
}
