// How an image comes onto the page: dropped, chosen, a case of the store, or the example of a first start.

import { firstCamera } from "./camera.js";
import { Masks } from "./bits.js";
import { html } from "./element.js";
import { tell } from "./message.js";
import { service } from "./service.js";

const PAGE = 20; // cases that are listed at a time

const byId = (id) => document.getElementById(id);

/** Shows what the service answered on an image; the one before is forgotten there too. */
function show(state, image, title, again) {
  const before = state.image;
  if (before) service.forgetImage(before.id).catch(() => {}); // it expires anyway
  state.set({
    image,
    title,
    again,
    readers: null,
    pixels: null,
    slice: Math.floor((image.size.slices - 1) / 2),
    window: { ...image.window },
    inverted: false,
    camera: firstCamera(image, image.ways[state.panes[0]?.name]?.sees),
    drawings: [],
    chosen: -1,
    growing: null,
    isolated: null,
    sample: -1,
    message: null,
  });
}

async function fetchReaders(state, image) {
  if (image.readers.length === 0) return;
  const readers = new Masks(await service.readers(image.id));
  if (state.image === image) state.set({ readers });
}

/** Opens what `ask` answers; the person is told while it takes its time. */
async function open(state, title, ask) {
  if (state.opening) return false;
  state.set({ opening: title });
  try {
    const image = await ask();
    show(state, image, title, () => open(state, title, ask));
    await fetchReaders(state, image);
    await state.told();
    return true;
  } catch (error) {
    tell(state, error);
    return false;
  } finally {
    state.set({ opening: null });
  }
}

function openFiles(state, files) {
  if (files.length === 0) return;
  if (files.length > 1) {
    const text = `${files.length} files were given, and one image is opened at a time; zip the files of a DICOM series`;
    state.set({ message: { text: `${text} and give the zip.`, alarm: true } });
    return;
  }
  const [file] = files;
  open(state, file.name, () => service.upload(file));
}

function followDrop(state) {
  const zone = byId("drop");
  for (const name of ["dragenter", "dragover"]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      zone.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) zone.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault(); // the browser would leave the page for the file
    zone.classList.remove("over");
    if (event.dataTransfer) openFiles(state, event.dataTransfer.files);
  });
}

/** Lists the cases of the store, or the examples where there is no store. */
function listCases(state) {
  const { cases } = state;
  byId("cases").hidden = !cases || cases.total === 0;
  if (!cases) return;
  const examples = cases.cases.every((one) => one.kind === "example");
  byId("cases-title").textContent = examples ? "Examples" : `Cases of the store (${cases.total})`;
  byId("cases-list").replaceChildren(
    ...cases.cases.map((one) => {
      const readers = one.readers > 0 ? `${one.readers} annotators` : "";
      const quiet = [readers, one.split].filter(Boolean).join(", ");
      const words = [html("span", {}, one.name), html("span", { class: "quiet" }, quiet)];
      const button = html("button", { type: "button" }, ...words);
      button.addEventListener("click", () => open(state, one.name, () => service.openCase(one.number)));
      return html("li", {}, button);
    }),
  );
  byId("cases-pages").hidden = cases.total <= PAGE;
  byId("cases-before").disabled = cases.first === 0;
  byId("cases-after").disabled = cases.first + cases.cases.length >= cases.total;
  byId("cases-where").textContent = `${cases.first + 1} to ${cases.first + cases.cases.length} of ${cases.total}`;
}

async function turnTo(state, first) {
  try {
    state.set({ cases: { first, ...(await service.cases(first, PAGE)) } });
  } catch (error) {
    tell(state, error);
  }
}

/** Wires the ways to open an image; opens the example where nothing else is there. Whether it did. */
export async function followOpening(state) {
  followDrop(state);
  byId("file").addEventListener("change", (event) => {
    openFiles(state, event.target.files);
    event.target.value = ""; // so that the same file can be chosen again
  });
  byId("cases-before").addEventListener("click", () => turnTo(state, Math.max(state.cases.first - PAGE, 0)));
  byId("cases-after").addEventListener("click", () => turnTo(state, state.cases.first + PAGE));
  state.on(["cases"], () => listCases(state));
  state.on(["opening"], () => {
    byId("opening").textContent = state.opening ? `Opening ${state.opening} …` : "";
    byId("drop").classList.toggle("busy", Boolean(state.opening));
  });
  await turnTo(state, 0);
  const example = state.cases?.cases.find((one) => one.kind === "example");
  return example && !state.image ? open(state, example.name, () => service.openCase(example.number)) : false;
}
