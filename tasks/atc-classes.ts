/**
 * The ATC classes that a drug label can name: those of the shipped table of ingredients (a test keeps the
 * two equal), fixed here so that no label depends on which drugs a data set happens to hold.
 */
import { expandCodes } from "../core/vocabulary/code-list.ts";

/** Fourth-level classes, five characters each. */
const FOURTH_LEVEL = expandCodes(`
  A01A{A,B,C,D} A02{A{A,B,C,D,F,H},B{A,B,C,D,X}} A03{A{A,B,D,E,X},B{A,B},C{A,B},FA} A04A{A,D}
  A05{AA,BA} A06A{A,B,C,D,G,H,X} A07{AA,B{A,B,C},CA,DA,E{A,B,C},FA,XA} A08A{A,B} A09A{A,B}
  A10{A{B,C,D,E,F},B{A,B,D,F,G,H,J,K,X}} A11{AA,BA,C{A,B,C},DA,E{A,B},GA,HA}
  A12{A{A,X},BA,C{A,B,C,E}} A14A{A,B} A16A{A,B,X} B01A{A,B,C,D,E,F,X} B02{A{A,B},B{A,B,C,D,X}}
  B03{A{A,B,C},B{A,B},XA} B05{AA,B{A,B,C},C{A,B,X},DB,X{A,B,C},Z{A,B}} B06A{A,B,C,X}
  C01{AA,B{A,B,C,D,G},C{A,E,X},D{A,X},E{A,B}} C02{A{A,B,C},CA,D{A,B,C,D},K{B,X}}
  C03{AA,BA,C{A,C},D{A,B},EA,XA} C04A{A,B,D,X} C05{A{A,D,E,X},B{A,B}} C07{A{A,B,G},B{A,B},CB}
  C08{CA,D{A,B}} C09{AA,B{A,B},CA,D{A,B,X},XA} C10{A{A,B,C,D,X},B{A,X}} D01{A{A,C,E},BA}
  D02A{B,C,E,F,X} D03{AX,BA} D04A{A,B,X} D05{A{A,C,D,X},B{A,B}} D06{A{A,X},B{A,B,X}}
  D07{A{A,B,C,D},C{B,C},XA} D08A{C,D,G,H,L,X} D10{A{B,D,E,F,X},BA} D11A{A,H,X} G01A{A,D,F,G,X}
  G02{A{B,D},B{A,B},CB} G03{A{A,C,D},BA,C{A,C},DA,EA,FA,G{A,B},HA,X{A,B,C}}
  G04{B{D,E,X},C{A,B,X}} H01{A{A,B,C,X},B{A,B},C{A,B,C}} H02{A{A,B},CA} H03{AA,B{A,B},CA}
  H04AA H05{AA,B{A,X}}
  J01{AA,BA,C{A,E,F,G,R},D{B,C,D,E,F,H,I},E{A,B,C,E},F{A,F,G},G{A,B},MA,RA,X{A,B,D,E,X}}
  J02A{A,B,C,X} J04{A{A,B,C,D,K,M},BA} J05A{B,C,D,E,F,G,H,J,P,R,X} J06{AA,B{A,B}}
  J07{A{E,G,H,J,L,M,N,P},B{A,B,C,D,F,G,H,J,K,L,M,N}}
  L01{A{A,B,C,D,X},B{A,B,C},C{A,B,D,E,X},D{A,B,C},E{A,B,C,D,E,F,G,H,J,K,L,M,X},FX,X{A,B,C,D,G,H,J,K,X,Y}}
  L02{A{A,B,E},B{A,B,G,X}} L03A{A,B,C,X} L04A{A,B,C,D,X} M01{A{B,C,E,G,H,X},C{B,C}}
  M02A{A,B,C,X} M03{A{B,C,X},B{A,B,C,X},CA} M04A{A,B,C,X} M05B{A,X} M09A{B,X}
  N01{A{B,F,H,X},B{A,B,C,X}} N02{A{A,B,C,D,E,F,J,X},B{A,B,E,G},C{A,C,D}} N03A{A,B,D,E,F,G,X}
  N04{A{A,C},B{A,B,C,D,X},CX} N05{A{A,B,C,D,E,F,G,H,N,X},B{A,B,C,E},C{A,C,D,F,H,J,M}}
  N06{A{A,B,F,X},B{A,C},CA,D{A,X}} N07{A{A,B,X},B{A,B,C},CA,XX}
  P01{A{B,X},B{A,B,C,D,E,F},C{A,C,X}} P02{BA,C{A,B,C,F}} P03A{B,C,X} R01{A{A,C,D,X},BA}
  R02A{A,D} R03{A{A,B,C,K,L},B{A,B,C},C{A,B,C},D{A,C,X}} R05{C{A,B},D{A,B},FA} R06A{A,B,D,E,X}
  R07A{A,B,X} S01{A{A,B,D,E,X},B{A,C},CA,E{A,B,C,D,E,X},F{A,B},G{A,X},HA,JA,LA,XA}
  S02{AA,BA,CA,DA} V03A{B,C,E,F,H,N,X} V04C{C,D,F,G,H,K,X} V06DC V07AB V08{A{A,B,D},BA,CA,DA}
  V10{BX,X{A,X}}
`);

/** ATC levels that a class can have, and the length of its code. */
export const ATC_CLASS_LENGTH = { 3: 4, 4: 5 } as const;
export type AtcLevel = keyof typeof ATC_CLASS_LENGTH;

/** Classes of one level in the order of their codes, e.g. J01X (third) or J01XA (fourth). */
export function atcClasses(level: AtcLevel): string[] {
  const length = ATC_CLASS_LENGTH[level];
  return [...new Set(FOURTH_LEVEL.map((code) => code.slice(0, length)))].sort();
}
