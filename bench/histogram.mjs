// Histograms as the runtime tells them to Prometheus.

/**
 * One histogram, of all processes together.
 *
 * @param {readonly string[]} scrapes @param {string} name @param {Record<string, string>} labels
 * @returns {{ bounds: number[], below: number[], count: number }} how many values were at or below each bound
 */
export const histogramOf = (scrapes, name, labels) => {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const below = new Map();
  for (const line of scrapes.join('\n').split('\n')) {
    if (!line.startsWith(`${name}_bucket{`) || !wanted.every((pair) => line.includes(pair))) continue;
    const [, le, value] = /le="([^"]+)".*} (\S+)$/.exec(line) ?? [];
    const bound = le === '+Inf' ? Infinity : Number(le);
    below.set(bound, (below.get(bound) ?? 0) + Number(value));
  }
  const bounds = [...below.keys()].sort((a, b) => a - b);
  return { bounds, below: bounds.map((bound) => below.get(bound)), count: below.get(Infinity) ?? 0 };
};

/** As Prometheus estimates it: values are taken to be spread evenly between two bounds. */
export const quantile = ({ bounds, below, count }, share) => {
  const rank = share * count;
  const at = below.findIndex((n) => n >= rank);
  if (at < 0) return NaN;
  const from = bounds[at - 1] ?? 0;
  const to = bounds[at];
  if (to === Infinity) return from;
  const under = below[at - 1] ?? 0;
  return from + ((to - from) * (rank - under)) / (below[at] - under);
};

/** Of all values the share that is at or below a bound. */
export const shareWithin = ({ bounds, below, count }, bound) => below[bounds.indexOf(bound)] / count;
