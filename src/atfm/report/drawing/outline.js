// From a mask to closed outlines along the edges of its pixels, as atfm.io.outlines draws them; but a hole is a way of
// its own, as what joins it to the outline would be seen.

// right, down, left, up: the next of them is a turn to the right
const STEP_X = [1, 0, -1, 0];
const STEP_Y = [0, 1, 0, -1];
const UP = 3;

/** The steps that leave each corner [(H + 1) * (W + 1)], a bit for each direction, and the corners of upper edges. */
function edgesOf(mask, width, height) {
  const across = width + 1;
  const steps = new Uint8Array(across * (height + 1));
  const starts = [];
  // From one marked pixel to the next: most of a mask is empty, and a search is quicker than a look at each pixel.
  for (let at = mask.indexOf(1); at >= 0; at = mask[at + 1] ? at + 1 : mask.indexOf(1, at + 1)) {
    const column = at % width;
    const row = (at - column) / width;
    const corner = row * across + column;
    if (row === 0 || mask[at - width] === 0) {
      steps[corner] |= 1;
      starts.push(corner); // every way has an upper edge
    }
    if (column === width - 1 || mask[at + 1] === 0) steps[corner + 1] |= 2;
    if (row === height - 1 || mask[at + width] === 0) steps[corner + across + 1] |= 4;
    if (column === 0 || mask[at - 1] === 0) steps[corner + across] |= 8;
  }
  return { steps, starts };
}

/** Where the way goes on: to the right round the pixel it runs along, where two pixels touch by a corner only. */
function turn(open, direction) {
  const right = (direction + 1) & 3;
  if (open & (1 << right)) return right;
  return open & (1 << direction) ? direction : (direction + 3) & 3;
}

/** One closed way that begins to the right, taken out of `steps`: x, y, x, y, ... of the corners at which it bends. */
function walk(steps, begin, across) {
  const way = [begin % across, Math.floor(begin / across)];
  let at = begin;
  let direction = 0;
  for (;;) {
    steps[at] &= ~(1 << direction);
    at += STEP_X[direction] + STEP_Y[direction] * across;
    if (at === begin && (steps[at] === 0 || direction === UP)) return way;
    const next = turn(steps[at], direction);
    if (next !== direction) way.push(at % across, Math.floor(at / across));
    direction = next;
  }
}

/**
 * The closed ways round a mask [H * W] of 0 and 1.
 *
 * Each is x, y, x, y, ... of pixel corners, 0 at the outer corner of the first pixel; the inside lies to the right of
 * the way as it is seen on a screen. Pixels that share an edge are joined, those that share a corner are not.
 */
export function outlines(mask, width, height) {
  const { steps, starts } = edgesOf(mask, width, height);
  const ways = [];
  for (const corner of starts) if (steps[corner] & 1) ways.push(walk(steps, corner, width + 1));
  return ways;
}

/** One closed way as steps of an SVG path, through the middle of the edges next to each bend: corners are cut. */
function cutPath(way) {
  let text = "";
  let x = way[way.length - 2];
  let y = way[way.length - 1];
  for (let k = 0; k < way.length; k += 2) {
    const dx = Math.sign(way[k] - x) / 2;
    const dy = Math.sign(way[k + 1] - y) / 2;
    text += `${k === 0 ? "M" : "L"}${x + dx} ${y + dy}`;
    if (way[k] - x !== 2 * dx || way[k + 1] - y !== 2 * dy) text += `L${way[k] - dx} ${way[k + 1] - dy}`;
    x = way[k];
    y = way[k + 1];
  }
  return `${text}Z`;
}

/** One closed way as steps of an SVG path, along the edges of the pixels. */
function edgePath(way) {
  let text = `M${way[0]} ${way[1]}`;
  for (let k = 2; k < way.length; k += 2) text += way[k + 1] === way[k - 1] ? `H${way[k]}` : `V${way[k + 1]}`;
  return `${text}Z`;
}

/**
 * The outlines of a mask as one SVG path, "" of an empty one.
 *
 * With `exact` the path runs along the edges of the pixels; else it cuts their corners by half a pixel, which is the
 * line at one half between the pixels' centres and easier to look at.
 */
export function outlinePath(mask, width, height, exact = false) {
  return outlines(mask, width, height).map(exact ? edgePath : cutPath).join("");
}
