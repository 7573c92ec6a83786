// Calls of the service; whatever goes wrong becomes one line that a person can act on.

import { eventsOf } from "./events.js";
import { token } from "./token.js";

const ROOT = new URL("api/v1/", document.baseURI);

/** What the service refused or could not do. */
export class ServiceError extends Error {
  constructor(code, message, wait = null) {
    super(message);
    this.code = code;
    this.wait = wait; // seconds after which to ask again
  }
}

function away() {
  const text = `The service at ${location.host} does not answer; start it again with "atfm serve", then try again.`;
  return new ServiceError("away", text);
}

/** The answer of the service, or a ServiceError. */
async function call(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token.value) headers.set("Authorization", `Bearer ${token.value}`);
  let response;
  try {
    response = await fetch(new URL(path, ROOT), { ...options, headers });
  } catch (error) {
    throw error.name === "AbortError" ? error : away();
  }
  if (response.ok) return response;
  if (response.status === 401 && (await token.ask())) return call(path, options);
  throw await refusal(response);
}

async function refusal(response) {
  const wait = Number(response.headers.get("Retry-After")) || null;
  let told = { code: String(response.status), message: `The service answered ${response.status}.` };
  try {
    told = (await response.json()).error ?? told;
  } catch {
    // an answer of something between the page and the service: its number is all there is to tell
  }
  const when = wait === null ? "" : ` Try again in ${wait} s.`;
  return new ServiceError(told.code, `${told.message}${when}`, wait);
}

async function json(path, options) {
  return (await call(path, options)).json();
}

const TYPES = { uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, float32: Float32Array };

/** The calls of the service, each as one function. */
export const service = {
  models: async () => (await json("models")).models,
  cases: (first, count) => json(`cases?first=${first}&count=${count}`),
  openCase: (number) => json(`cases/${number}`, { method: "POST" }),
  readers: (image) => json(`images/${image}/readers`),
  file: async (samples, form) => {
    const response = await call(`samples/${samples}/files/${form}`);
    const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "");
    return { blob: await response.blob(), name: name ? name[1] : `samples.${form}` };
  },
  forgetImage: (image) => call(`images/${image}`, { method: "DELETE" }),
  forgetSamples: (samples) => call(`samples/${samples}`, { method: "DELETE" }),

  /** Sends a file; its name goes along in a header that names are not logged from, for its suffix alone. */
  upload: (file) =>
    json("images", {
      method: "POST",
      body: file,
      headers: { "Content-Type": "application/octet-stream", "X-File-Name": encodeURIComponent(file.name) },
    }),

  /** The values of a slice: {values, width, height, channels, slice}. */
  slice: async (image, number, signal) => {
    const response = await call(`images/${image}/slices/${number}`, { signal });
    const [height, width, channels] = response.headers.get("X-Shape").split(",").map(Number);
    const values = new TYPES[response.headers.get("X-Dtype")](await response.arrayBuffer());
    return { values, width, height, channels, slice: number };
  },

  /** Draws samples; `tell` is called with each event until the result, which is returned. */
  draw: async (request, tell, signal) => {
    const headers = { "Content-Type": "application/json", Accept: "text/event-stream" };
    const response = await call("samples", { method: "POST", headers, body: JSON.stringify(request), signal });
    try {
      for await (const { event, data } of eventsOf(response.body)) {
        if (event === "result") return data;
        if (event === "error") throw new ServiceError(data.error.code, data.error.message);
        tell(event, data);
      }
    } catch (error) {
      throw error instanceof TypeError ? away() : error; // the connection broke
    }
    throw new ServiceError("ended", "The service ended the answer before the result; draw again.");
  },
};
