// Sizes in words a person reads: three digits, and the unit.

const SPACE = "\u202f"; // narrow, and no line is broken at it

/** A number to three digits, large ones whole: 0.417, 12.3, 1 204. */
export function digits(value) {
  const large = Math.abs(value) >= 100;
  const text = large ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
  return text.replace(/\B(?=(\d{3})+$)/g, large && Math.abs(value) >= 10000 ? SPACE : "");
}

/** The areas of a mask that are known, {px, mm2, ml}, in words; `volume` counts voxels. */
export function areaText({ px, mm2, ml }, volume = false) {
  const words = [`${digits(px)} ${volume ? "voxels" : "px"}`];
  if (mm2 !== null && mm2 !== undefined) words.push(`${digits(mm2)} mm²`);
  if (volume && ml !== null && ml !== undefined) words.push(`${digits(ml)} ml`);
  return words.join(" · ");
}

/** The `share` quantile of numbers by weight: the least of them that so much of the weight does not exceed. */
export function quantile(values, weights, share) {
  const order = values.map((_, at) => at).sort((a, b) => values[a] - values[b]);
  const total = weights.reduce((sum, one) => sum + one, 0);
  let seen = 0;
  for (const at of order) {
    seen += weights[at];
    if (seen >= share * total - 1e-9) return values[at];
  }
  return values[order[order.length - 1]];
}
