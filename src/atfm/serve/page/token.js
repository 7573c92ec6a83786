// The bearer token of a service that is not on this computer: asked for once, kept while the tab is open.

const KEY = "atfm-token";

function ask() {
  const dialog = document.getElementById("token");
  const field = dialog.querySelector("input");
  field.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((answer) => {
    const closed = () => {
      const given = dialog.returnValue === "send" && field.value !== "";
      if (given) sessionStorage.setItem(KEY, field.value);
      answer(given);
    };
    dialog.addEventListener("close", closed, { once: true });
  });
}

/** The token, "" where none is known, and how to ask the person for it: whether one was given. */
export const token = {
  get value() {
    return sessionStorage.getItem(KEY) ?? "";
  },
  asking: null,
  ask() {
    token.asking ??= ask().finally(() => {
      token.asking = null;
    });
    return token.asking;
  },
};
