// Values as grey on a canvas, with a window: what lies at or below `low` is black, at or above `high` white.

/** Draws one slice [H * W * C], 3 channels as colours and else the first alone, in the canvas's own pixels. */
export function drawGrey(canvas, slice, window) {
  const { values, width, height, channels } = slice;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  const { data } = picture;
  const gain = 255 / Math.max(window.high - window.low, 1e-9);
  const colours = channels === 3;
  for (let at = 0, from = 0, to = 0; at < width * height; at += 1, from += channels, to += 4) {
    const grey = (values[from] - window.low) * gain; // the array clamps and rounds
    data[to] = grey;
    data[to + 1] = colours ? (values[from + 1] - window.low) * gain : grey;
    data[to + 2] = colours ? (values[from + 2] - window.low) * gain : grey;
    data[to + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

/** Window and level, as viewers say it, from the two ends. */
export function levelOf({ low, high }) {
  return { width: high - low, level: (high + low) / 2 };
}
