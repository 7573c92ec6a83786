// The pointer on a pane: wheel, drag, right-drag, two fingers and click.

import { moved, zoomed } from "./camera.js";

const STILL = 4; // pixels of the screen that a click may move

/** The slice at some distance from the one that is shown, within the image. */
export function scrolled(state, by) {
  return Math.min(Math.max(state.slice + by, 0), state.image.size.slices - 1);
}

/** The window after a drag of so many pixels of the screen: to the right wider, down brighter. */
export function windowed(window, x, y, span) {
  const width = Math.max((window.high - window.low) * Math.exp(x / 200), span / 1000);
  const level = (window.high + window.low) / 2 - (y / 300) * span;
  return { low: level - width / 2, high: level + width / 2 };
}

/** Wires a pane; `clicked(x, y)` is called with the pixel of a click. */
export function followPointer(state, viewer, clicked) {
  const { node } = viewer;
  const down = new Map(); // the fingers or buttons, by pointer
  let path = 0;
  let wheel = 0;

  const pixel = (event) => viewer.pixelAt(event.clientX, event.clientY);
  const point = (event) => {
    viewer.pointer = event ? pixel(event).map(Math.floor) : null;
    viewer.place();
  };

  node.addEventListener(
    "wheel",
    (event) => {
      if (!state.image) return;
      event.preventDefault();
      const volume = state.image.size.slices > 1;
      if (event.ctrlKey || !volume) {
        const [x, y] = pixel(event);
        state.set({ camera: zoomed(state.image, state.camera, Math.exp(-event.deltaY / 400), x, y) });
        return;
      }
      wheel += event.deltaMode === 0 ? event.deltaY / 50 : event.deltaY; // a touchpad sends many small steps
      const steps = Math.trunc(wheel);
      wheel -= steps;
      if (steps !== 0) state.set({ slice: scrolled(state, Math.sign(steps) * Math.min(Math.abs(steps), 3)) });
    },
    { passive: false },
  );

  node.addEventListener("contextmenu", (event) => event.preventDefault());

  node.addEventListener("pointerdown", (event) => {
    if (!state.image) return;
    node.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event);
    if (down.size === 1) path = 0;
  });

  node.addEventListener("pointermove", (event) => {
    if (!state.image) return;
    const before = down.get(event.pointerId);
    point(event);
    if (!before) return;
    down.set(event.pointerId, event);
    const [x, y] = [event.clientX - before.clientX, event.clientY - before.clientY];
    path += Math.hypot(x, y);
    if (path <= STILL) return;
    if (down.size === 2) pinch(before, event);
    else if (event.buttons & 2) level(x, y);
    else pan(x, y);
  });

  function pan(x, y) {
    const { across, down: tall } = viewer.transform();
    state.set({ camera: moved(state.image, state.camera, x / across, y / tall) });
  }

  function level(x, y) {
    const { low, high } = state.image.window;
    state.set({ window: windowed(state.window, x, y, Math.max(high - low, 1e-6)) });
  }

  function pinch(before, event) {
    const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, one]) => one);
    const distance = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const [x, y] = viewer.pixelAt((event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2);
    state.set({ camera: zoomed(state.image, state.camera, distance(event) / Math.max(distance(before), 1), x, y) });
  }

  node.addEventListener("pointerup", (event) => {
    const pressed = down.delete(event.pointerId);
    if (!pressed || path > STILL || event.button !== 0 || down.size > 0) return;
    const [x, y] = pixel(event).map(Math.floor);
    const { width, height } = state.image.size;
    if (x >= 0 && y >= 0 && x < width && y < height) clicked(x, y);
  });
  node.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
  node.addEventListener("pointerleave", () => state.image && point(null));
}
