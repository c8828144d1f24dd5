import t from "tap";
import { scaledAge } from "../../ehr-models/age.ts";

t.test("age is in units of 20 years from 60, and 0 when unknown", async (t) => {
  t.equal(scaledAge(60), 0);
  t.equal(scaledAge(90), 1.5);
  t.equal(scaledAge(20), -2);
  t.equal(scaledAge(Number.NaN), 0);
});
