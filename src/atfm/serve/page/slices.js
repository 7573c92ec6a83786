// The values of the slice that is shown, fetched when it is scrolled to; the last few are kept.

import { tell } from "./message.js";
import { service } from "./service.js";

const MOST = 24; // slices: 12 MB of a CT

/** Keeps `state.pixels` at `state.slice` of `state.image`. */
export function followSlices(state) {
  const kept = new Map();
  let loading = null;

  async function load() {
    const { image, slice } = state;
    if (!image) return;
    const key = `${image.id}/${slice}`;
    loading?.abort();
    loading = null;
    if (!kept.has(key)) {
      loading = new AbortController();
      try {
        kept.set(key, await service.slice(image.id, slice, loading.signal));
      } catch (error) {
        if (error.name !== "AbortError") tell(state, error);
        return;
      }
      if (kept.size > MOST) kept.delete(kept.keys().next().value);
    }
    if (state.image === image && state.slice === slice) state.set({ pixels: kept.get(key) });
  }

  state.on(["image", "slice"], load);
}
