/** Two-sided 95 % of the normal distribution. */
const Z95 = 1.959964

/**
 * Middle value; the mean of the two middle ones for an even number.
 *
 * @returns NaN for no values.
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/**
 * Quantile with linear interpolation between order statistics (Hyndman and Fan's type 7).
 *
 * @param share - 0 to 1.
 * @returns NaN for no values.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const low = sorted[Math.floor(place)] ?? Number.NaN
  const high = sorted[Math.ceil(place)] ?? Number.NaN
  return low + (high - low) * (place - Math.floor(place))
}

/** Median and quartiles of repeated measurements. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) }
}

/** How many of a group's items were right. */
export interface Tally {
  readonly right: number
  readonly total: number
}

/** Share of right items; NaN for none. */
export function accuracyOf(tallies: readonly Tally[]): number {
  return sum(tallies, 'right') / sum(tallies, 'total')
}

/**
 * Half the width of a 95 % interval around an accuracy.
 *
 * The larger of two: Wilson's interval as if every item were independent, which stays above 0 at 0 % and 100 %, and
 * the linearised interval over clusters, since questions on one video fail together.
 *
 * @param clusters - One tally for each cluster, such as a video.
 * @returns 0 to 1; NaN without items.
 */
export function margin95(clusters: readonly Tally[]): number {
  return Math.max(wilsonMargin(sum(clusters, 'right'), sum(clusters, 'total')), clusterMargin(clusters))
}

/** Half the width of Wilson's score interval. Source: E. B. Wilson, 1927. */
export function wilsonMargin(right: number, total: number): number {
  const share = right / total
  const spread = Math.sqrt((share * (1 - share)) / total + (Z95 / (2 * total)) ** 2)
  return (Z95 * spread) / (1 + Z95 ** 2 / total)
}

/** The ratio estimator's linearised variance, with clusters drawn independently. Source: Cochran, 1977, §6.3. */
function clusterMargin(clusters: readonly Tally[]): number {
  const used = clusters.filter(({ total }) => total > 0)
  if (used.length < 2) return 0
  const share = accuracyOf(used)
  const squares = used.reduce((total, cluster) => total + (cluster.right - share * cluster.total) ** 2, 0)
  const variance = (squares * used.length) / (used.length - 1)
  return (Z95 * Math.sqrt(variance)) / sum(used, 'total')
}

function sum(tallies: readonly Tally[], field: keyof Tally): number {
  return tallies.reduce((total, tally) => total + tally[field], 0)
}
