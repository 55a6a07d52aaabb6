// histogram_quantile as Prometheus computes it for classic buckets: linear within the bucket that
// the rank falls into, and the highest finite bound for what is above all of them.

export function histogramQuantile(q, bounds, cumulative) {
  const total = cumulative[cumulative.length - 1];
  if (!(total > 0)) {
    return null;
  }
  const rank = q * total;
  const bucket = cumulative.findIndex((count) => count >= rank);
  if (bucket >= bounds.length) {
    return bounds[bounds.length - 1];
  }
  const lower = bucket === 0 ? 0 : bounds[bucket - 1];
  const below = bucket === 0 ? 0 : cumulative[bucket - 1];
  const inside = cumulative[bucket] - below;
  return inside === 0 ? lower : lower + (bounds[bucket] - lower) * ((rank - below) / inside);
}
