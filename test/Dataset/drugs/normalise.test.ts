import t from "tap";
import { cleanName, normaliseNdc, partsOf, wordsOf } from "../../../Dataset/drugs/normalise.ts";

t.test("marks about the order are taken off a name", async (t) => {
  t.equal(cleanName("*NF* Ertapenem  Sodium "), "ertapenem sodium");
  t.equal(cleanName("capecitabine tablet****NF****"), "capecitabine tablet");
  t.equal(cleanName("INV-Rivaroxaban"), "rivaroxaban");
  t.equal(cleanName("SulfaSALAzine_"), "sulfasalazine");
});

t.test("a blinded drug, a skin test and a diluent are not the drug they name", async (t) => {
  t.equal(cleanName("Donepezil 5 mg or Placebo"), "");
  t.equal(cleanName("Phenytoin Patch for Allergy Testing"), "");
  t.equal(cleanName("Sterile Diluent for Flolan"), "diluent");
});

t.test("words are split from numbers, vitamins keep theirs", async (t) => {
  t.same(wordsOf("clopidogrel75mg"), ["clopidogrel", "75", "mg"]);
  t.same(wordsOf("vitamin b-12 1000 mcg"), ["vitamin", "b12", "1000", "mcg"]);
  t.same(wordsOf("vitamin d 3"), ["vitamin", "d3"]);
  t.same(wordsOf("vitamin d 400 unit"), ["vitamin", "d", "400", "unit"]);
  t.same(wordsOf("amphotericin b 50 mg"), ["amphotericin", "b", "50", "mg"]);
  t.same(wordsOf("d5 1/2ns"), ["d5", "1", "2", "ns"]);
});

t.test("a parenthesis is read apart, also when it is not closed", async (t) => {
  t.same(partsOf("heparin flush (10 units/ml)"), {
    outside: ["heparin", "flush"],
    inside: [["10", "units", "ml"]],
  });
  t.same(partsOf("hydrocodone-acetaminophen (5mg-500mg"), {
    outside: ["hydrocodone", "acetaminophen"],
    inside: [["5", "mg", "500", "mg"]],
  });
});

t.test("an NDC has 11 digits, and 0 is no NDC", async (t) => {
  t.equal(normaliseNdc("338004904"), "00338004904");
  t.equal(normaliseNdc("00338004904"), "00338004904");
  t.equal(normaliseNdc("338004904.0"), "00338004904");
  t.equal(normaliseNdc("0338-0049-04"), "00338004904", "4-4-2");
  t.equal(normaliseNdc("12345-678-90"), "12345067890", "5-3-2");
  t.equal(normaliseNdc("12345-6789-1"), "12345678901", "5-4-1");
  for (const none of ["0", "", " ", null, "00000000000", "123456789012", "abc", "1-2"]) {
    t.equal(normaliseNdc(none), null, `${none}`);
  }
});
