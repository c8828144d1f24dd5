/** Age as models read it. */

const CENTRE_YEARS = 60;
/** Years to one unit of scaled age. */
export const SPREAD_YEARS = 20;

/**
 * Age in units of 20 years from 60, roughly the mean and spread of in-patients; 0 when unknown. On this
 * scale one step of the optimizer, and weight decay, act on age as they do on the other inputs.
 */
export function scaledAge(years: number): number {
  return Number.isNaN(years) ? 0 : (years - CENTRE_YEARS) / SPREAD_YEARS;
}
