/**
 * The 25 phenotypes as groups of diagnosis codes: CCS 2015 single-level groups for ICD-9-CM, derived lists
 * for ICD-10-CM. Columns everywhere are in this order, alphabetical by the full CCS name.
 *
 * Notation: beginnings of codes without dots, separated by blanks. `430-2` means 430, 431, 432 (the last
 * digit runs). `5696!` means this code only, not longer ones.
 */

export interface Phenotype {
  /** Full name of the CCS group. */
  readonly name: string;
  /** Number of the CCS group. */
  readonly ccs: number;
  readonly type: "acute" | "chronic" | "mixed";
  readonly icd9: string;
  readonly icd10: string;
}

/** One beginning of a code, expanded. */
export interface PhenotypePrefix {
  /** Index into PHENOTYPES. */
  readonly phenotype: number;
  readonly vocabulary: "ICD9CM" | "ICD10CM";
  readonly prefix: string;
  /** Whether only this code itself belongs, not longer ones. */
  readonly exact: boolean;
}

export const PHENOTYPES: readonly Phenotype[] = [
  {
    name: "Acute and unspecified renal failure",
    ccs: 157,
    type: "acute",
    icd9: "584 586",
    icd10: "N17 N19",
  },
  {
    name: "Acute cerebrovascular disease",
    ccs: 109,
    type: "acute",
    icd9: "3466 430-2 43301 43311 43321 43331 43381 43391 434 436",
    icd10: "G436 I60-3 I66",
  },
  {
    name: "Acute myocardial infarction",
    ccs: 100,
    type: "acute",
    icd9: "410",
    icd10: "I21 I22",
  },
  {
    name: "Cardiac dysrhythmias",
    ccs: 106,
    type: "mixed",
    icd9: "4270-3 4276 4278 4279 7850 7851",
    icd10: "I47 I48 I491 I493-5 I498 I499 R00",
  },
  {
    name: "Chronic kidney disease",
    ccs: 158,
    type: "chronic",
    icd9: "585 7925 V420 V451 V56",
    icd10: "N18 R880 Z49 Z9115 Z940 Z992",
  },
  {
    name: "Chronic obstructive pulmonary disease and bronchiectasis",
    ccs: 127,
    type: "chronic",
    icd9: "490-2 494 496",
    icd10: "J40-4 J47",
  },
  {
    name: "Complications of surgical procedures or medical care",
    ccs: 238,
    type: "acute",
    icd9: `
      27661 27783 27788 2853 28741 3490 3491 34931 41511 4294 4582 5121 5122 5187 5190 53086
      53087 5364 539 5642-4 5696! 56962 5697 5793 59681 78062 78063 78066 9093 99524 9954
      99586 997 998 9990-2 9993! 99934 99939 9994-9 V1553 V1580 V1583 V900`,
    icd10: `
      D6481 D6951 D78 E36 E7143 E8771 E883 E898 G038 G97 H590-3 H598 H952-5 I952 I953 I9581
      I970 I971 I973-8 J950 J956 J957 J9581 J9583 J9584 J95851 J95859 J9586 J9588 J9589
      K6811 K910-3 K916-8 K9403 K9413 K942 K943 K95 L76 M968 N99511 N996 N997 N9982 N9984
      N9989 R5082-4 T800XXA T801XXA T8022XA T8029XA T803-6 T808 T809 T80A T81 T82855S
      T82856S T873 T874 T878 T879 T880XXA T881XXA T882XXA T883XXA T8852XA T888XXA T889 Z180
      Z283 Z87821 Z9283`,
  },
  {
    name: "Conduction disorders",
    ccs: 105,
    type: "mixed",
    icd9: "426 V450 V533",
    icd10: "I44 I45 Z450 Z950 Z95810 Z95818 Z959",
  },
  {
    name: "Congestive heart failure; nonhypertensive",
    ccs: 108,
    type: "mixed",
    icd9: "39891 428",
    icd10: "I0981 I50",
  },
  {
    name: "Coronary atherosclerosis and other heart disease",
    ccs: 101,
    type: "chronic",
    icd9: "411-3 4140! 41400 41401 41406 4142-4 4148 4149 V4581 V4582",
    icd10: "I20 I24 I251 I252 I255 I25811 I2582-4 I2589 I259 Z951 Z955 Z9861",
  },
  {
    name: "Diabetes mellitus with complications",
    ccs: 50,
    type: "mixed",
    icd9: "24901 2491-9 25002 25003 2501-9",
    icd10: "E080-6 E088 E090-6 E098 E101-6 E108 E110-6 E118 E130-6 E138",
  },
  {
    name: "Diabetes mellitus without complication",
    ccs: 49,
    type: "chronic",
    icd9: "24900 25000 25001 7902 7915 7916 V4585 V5391 V6546",
    icd10: "E089 E099 E109 E119 E139 R73 R81 R824 Z4681 Z9641",
  },
  {
    name: "Disorders of lipid metabolism",
    ccs: 53,
    type: "chronic",
    icd9: "2720-4",
    icd10: "E780-5",
  },
  {
    name: "Essential hypertension",
    ccs: 98,
    type: "chronic",
    icd9: "4011 4019",
    icd10: "I10",
  },
  {
    name: "Fluid and electrolyte disorders",
    ccs: 55,
    type: "acute",
    icd9: "2760-5 2766! 27669 2767-9 9951",
    icd10: "E86 E870-6 E8770 E8779 E878 T783XXA",
  },
  {
    name: "Gastrointestinal hemorrhage",
    ccs: 153,
    type: "acute",
    icd9: `
      4560 45620 5307 53082 5310 5312 5314 5316 5320 5322 5324 5326 5330 5332 5334 5336 5340
      5342 5344 5346 5693 578`,
    icd10: `
      I8501 I8511 K226 K250 K252 K254 K256 K260 K262 K264 K266 K270 K272 K274 K276 K280 K282
      K284 K286 K625 K920-2`,
  },
  {
    name: "Hypertension with complications and secondary hypertension",
    ccs: 99,
    type: "chronic",
    icd9: "4010 402-5 4372",
    icd10: "I11-3 I15 I16 I674",
  },
  {
    name: "Other liver diseases",
    ccs: 151,
    type: "mixed",
    icd9: `
      570 5715 5716 5718 5719 572 5730 5734 5735 5738 5739 7824 7891 7895! 78959 7904 7905
      7948 V427`,
    icd10: "K72 K74 K750 K751 K76 R160 R17 R188 R74 R945 Z944",
  },
  {
    name: "Other lower respiratory disease",
    ccs: 133,
    type: "acute",
    icd9: `
      5131 514-6 5172 5178 5183 5184 51889 5194 5198 5199 7825 7860 7862-4 78652 7866-9 7931
      7942 V126 V426`,
    icd10: `
      J182 J81 J82 J84 J853 J984 J986 J988 J989 J99 M3481 R042 R048 R049 R05 R0600-2 R0609
      R062-4 R066 R068 R069 R071 R0781 R093 R0989 R222 R230 R91 R942 Z870 Z942`,
  },
  {
    name: "Other upper respiratory disease",
    ccs: 134,
    type: "acute",
    icd9: `
      470-2 476 4770 4772 4778 4779 478 5191-3 7841 7844 7847 7848 7849! 78499 7861 V414
      V440 V550`,
    icd10: `
      J300-2 J308 J309 J31 J33 J34 J37-9 J980 J985 R040 R041 R061 R065 R067 R070 R196 R4789
      R49 Z430 Z930`,
  },
  {
    name: "Pleurisy; pneumothorax; pulmonary collapse",
    ccs: 130,
    type: "acute",
    icd9: "510 5110 5111 5118! 51189 5119 5120 5128 5180-2",
    icd10: "J86 J90 J918 J93 J94 J981-3 R091",
  },
  {
    name: "Pneumonia (except that caused by tuberculosis or sexually transmitted disease)",
    ccs: 122,
    type: "acute",
    icd9: `
      00322 0203-5 0212 0221 0310 0391 0521 0551 0730 0830 1124 1140 1144 1145 11505 11515
      11595 1304 1363 480-6 5130 5171`,
    icd10: `
      A0222 A202 A212 A221 A310 A3791 A420 A481 A78 B012 B052 B250 B371 B380-2 B392 B440
      B583 B59 J12-7 J180 J181 J189 J850-2`,
  },
  {
    name: "Respiratory failure; insufficiency; arrest (adult)",
    ccs: 131,
    type: "acute",
    icd9: "5173 5185 51881-4 7991 V461 V462",
    icd10: "J80 J951-3 J9582 J95850 J96 J99 R0603 R092 Z991 Z9981",
  },
  {
    name: "Septicemia (except in labor)",
    ccs: 2,
    type: "acute",
    icd9: "0031 0202 0223 0362 038 0545 449 77181 7907 99591 99592",
    icd10: "A021 A207 A227 A394 A40 A41 B007 I76 P36 R6520 R7881",
  },
  {
    name: "Shock",
    ccs: 249,
    type: "acute",
    icd9: "7855",
    icd10: "R57 R6521",
  },
];

/** `I60-3` -> I60, I61, I62, I63; anything else is itself. */
function expandRun(item: string): string[] {
  const run = /^(.*)(\d)-(\d)$/.exec(item);
  if (run === null) return [item];
  const [, stem = "", first, last] = run;
  const length = Number(last) - Number(first) + 1;
  return Array.from({ length }, (_, i) => `${stem}${Number(first) + i}`);
}

function expand(
  phenotype: number,
  vocabulary: PhenotypePrefix["vocabulary"],
  list: string,
): PhenotypePrefix[] {
  return list
    .trim()
    .split(/\s+/)
    .flatMap(expandRun)
    .map((item) => ({
      phenotype,
      vocabulary,
      prefix: item.replace("!", ""),
      exact: item.endsWith("!"),
    }));
}

/** Every beginning of a code of every phenotype, in the order of PHENOTYPES, ICD-9 first. */
export function phenotypePrefixes(): PhenotypePrefix[] {
  return PHENOTYPES.flatMap(({ icd9, icd10 }, i) => [
    ...expand(i, "ICD9CM", icd9),
    ...expand(i, "ICD10CM", icd10),
  ]);
}
