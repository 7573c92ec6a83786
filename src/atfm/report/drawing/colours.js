// What tells readings and values apart: colours that are safe for the colour-blind, and never a colour alone.

/** The colours of hypotheses (Okabe and Ito, 2008), in an order whose neighbours differ in lightness too. */
export const COLOURS = ["#e69f00", "#56b4e9", "#cc79a7", "#f0e442", "#009e73", "#d55e00"];

/** The dashes of their outlines, in pixels of the screen; "" is a whole line. */
export const DASHES = ["", "7 3", "2 3", "10 3 2 3", "1 4", "5 5"];

/** What stands for a reading without an outline. */
export const NOTHING = "#8d939c";

/** The style of hypothesis `number` among `hypotheses`: {colour, dash, letter, order}; of no lesion, order is -1. */
export function styleOf(hypotheses, number) {
  if (hypotheses[number].empty) return { colour: NOTHING, dash: "", letter: "–", order: -1 };
  const order = hypotheses.slice(0, number).filter((one) => !one.empty).length;
  return {
    colour: COLOURS[order % COLOURS.length],
    dash: DASHES[order % DASHES.length],
    letter: String.fromCharCode(65 + (order % 26)),
    order,
  };
}

// Seventeen points of matplotlib's maps (CC0), between which a straight line is within seven of 255 steps of them.
const POINTS = {
  inferno:
    "000003 0a0723 200c4a 3c0965 570f6d 70196e 892269 a32b61 bb3754 d14643 e45a31 f1721d f98e08 fbac10 f8cb34 f1e968 fcfea4",
  viridis:
    "440154 47186a 472c7b 424085 3a528b 32628d 2c728e 26818e 20908c 1e9f88 28ae7f 3ebc73 5ec961 83d34b addc30 d7e219 fde724",
};

/** A map of 256 colours whose steps look equal: [256 * 3] of 0 to 255, by name ("inferno" or "viridis"). */
export function colourMap(name) {
  const points = POINTS[name].split(" ").map((text) => Number.parseInt(text, 16));
  const table = new Uint8ClampedArray(256 * 3);
  for (let value = 0; value < 256; value += 1) {
    const at = (value / 255) * (points.length - 1);
    const left = Math.min(Math.floor(at), points.length - 2);
    for (let k = 0; k < 3; k += 1) {
      const shift = 16 - 8 * k;
      const [from, to] = [(points[left] >> shift) & 255, (points[left + 1] >> shift) & 255];
      table[3 * value + k] = from + (to - from) * (at - left);
    }
  }
  return table;
}
