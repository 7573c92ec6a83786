// Shares in whole per cent that sum to 100.

/** Probabilities in per cent by the method of the largest remainder; of equal remainders the first is rounded up. */
export function wholeShares(probabilities) {
  const total = probabilities.reduce((sum, one) => sum + one, 0);
  if (!(total > 0)) return probabilities.map(() => 0);
  const exact = probabilities.map((one) => (100 * one) / total);
  const whole = exact.map((one) => Math.floor(one + 1e-9));
  const missing = 100 - whole.reduce((sum, one) => sum + one, 0);
  const order = exact.map((one, at) => [one - whole[at], at]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  for (const [, at] of order.slice(0, missing)) whole[at] += 1;
  return whole;
}

/** A share in words: one that is there but rounds to nothing is "< 1 %". */
export function shareText(whole, probability) {
  return whole === 0 && probability > 0 ? "< 1 %" : `${whole} %`;
}
