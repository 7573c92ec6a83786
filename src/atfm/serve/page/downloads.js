// The result as files, in the forms that the image can be saved as.

import { html } from "./element.js";
import { tell } from "./message.js";
import { service } from "./service.js";
import { drawnOf } from "./state.js";

const NAMES = {
  png: "PNG, pictures of everything (zip)",
  nifti: "NIfTI, masks and maps (zip)",
  nrrd: "NRRD, for 3D Slicer",
  "dicom-seg": "DICOM Segmentation, for OHIF and 3D Slicer",
  rtstruct: "DICOM RTSTRUCT, contours",
  json: "JSON, numbers",
};

/** Gives a blob to the person as a file. */
function save(blob, name) {
  const link = html("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Wires the downloads of what the panes show. */
export function followDownloads(state) {
  const place = document.getElementById("downloads");
  const list = document.getElementById("downloads-list");

  async function load(button, id, form) {
    button.disabled = true;
    try {
      const { blob, name } = await service.file(id, form);
      save(blob, name);
      document.getElementById("told").textContent = `Saved ${name}`;
    } catch (error) {
      tell(state, error);
    } finally {
      button.disabled = false;
    }
  }

  function button(drawn, form, several) {
    const words = `${several ? `${drawn.result.model}: ` : ""}${NAMES[form] ?? form}`;
    const node = html("button", { type: "button", "data-form": form }, words);
    node.addEventListener("click", () => load(node, drawn.result.id, form));
    return html("li", {}, node);
  }

  state.on(["drawings", "chosen", "panes"], () => {
    const all = [...new Set(state.panes.map((_, pane) => drawnOf(state, pane)).filter(Boolean))];
    place.hidden = all.length === 0;
    const buttons = (drawn) => drawn.result.files.map((form) => button(drawn, form, all.length > 1));
    list.replaceChildren(...all.flatMap(buttons));
  });
}
