import t from "tap";
import { wholeTimelines } from "../../harness/pretraining.ts";
import { handStore } from "../support/hand-store.ts";

const EVERYTHING = { maxCodes: 100, repeats: "every" } as const;

t.test("pretraining sees whole records, of training subjects only", async (t) => {
  const event = (subject: number, time: string, code: string) =>
    ({ subject, time, code, kind: "diagnosis" }) as const;
  const store = await handStore({
    subjects: [
      { id: 1 },
      { id: 2, split: "tuning" },
      { id: 3, split: "held_out" },
      { id: 4 },
      { id: 5 },
    ],
    visits: [{ subject: 1, id: 10, start: "2150-01-01 00:00:00", end: "2150-01-03 00:00:00" }],
    events: [
      event(1, "2150-01-02 00:00:00", "A"),
      event(1, "2160-01-01 00:00:00", "B"),
      event(2, "2150-01-02 00:00:00", "C"),
      event(3, "2150-01-02 00:00:00", "D"),
      event(4, "2150-01-02 00:00:00", "A"),
    ],
  });
  const source = await wholeTimelines(store, new Map([["X", 1]]))(EVERYTHING);
  t.equal(source.size, 2, "subject 5 has no event");
  t.same([...source.read(0).code], [0, 1], "the last event included");
  t.same([...source.read(1).code], [0]);
  t.equal(source.read(1).daysBefore[0], 0);
  t.equal(source.raceCount, 2, "the race vocabulary is the one that was given");
  store.close();
});
