// Puts the page together.

import { followAnnotators } from "./annotators.js";
import { followCompare } from "./compare.js";
import { followDownloads } from "./downloads.js";
import { followFacts } from "./facts.js";
import { followPointer } from "./gestures.js";
import { followKeys, makeHelp } from "./keys.js";
import { showMessages, tell } from "./message.js";
import { followOpening } from "./opening.js";
import { followPlayer, mostSamples } from "./player.js";
import { Request } from "./request.js";
import { followResults } from "./results.js";
import { service } from "./service.js";
import { followSlices } from "./slices.js";
import { followSpots } from "./spots.js";
import { firstState } from "./state.js";
import { followTheme } from "./theme.js";
import { followToolbar } from "./toolbar.js";
import { Viewer } from "./viewer.js";

/** One viewer for each pane of the state. */
function followPanes(state, request, player) {
  const place = document.getElementById("viewers");
  const viewers = [];

  function add() {
    const viewer = new Viewer(state, viewers.length);
    const spot = () => request.click(Math.floor(state.camera.x), Math.floor(state.camera.y));
    followPointer(state, viewer, (x, y) => request.click(x, y));
    followKeys(state, viewer, { play: player.play, spot, most: () => mostSamples(state) });
    viewers.push(viewer);
    place.append(viewer.node);
  }

  state.on(["panes"], () => {
    while (viewers.length < state.panes.length) add();
    while (viewers.length > Math.max(state.panes.length, 1)) viewers.pop().remove();
  });
  const all = ["image", "pixels", "window", "inverted", "camera", "layers", "panes", "drawings", "chosen", "growing", "target"];
  state.on([...all, "isolated", "sample", "readers", "slice", "title"], (changed) => {
    for (const viewer of viewers) viewer.draw(changed);
  });
}

async function start() {
  const state = firstState();
  followTheme();
  makeHelp();
  showMessages(state);
  const player = followPlayer(state);
  const request = new Request(state);
  followPanes(state, request, player);
  followSlices(state);
  followToolbar(state);
  followFacts(state);
  followCompare(state);
  followResults(state);
  followAnnotators(state);
  followSpots(state);
  followDownloads(state);
  try {
    const models = await service.models();
    state.set({ models, panes: [{ kind: "model", name: models[0].name }] });
  } catch (error) {
    tell(state, error);
  }
  if (await followOpening(state)) request.first(); // a first look costs no press
}

start();
