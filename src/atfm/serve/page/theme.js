// Light and dark: as the system has it, until the person chooses.

const KEY = "atfm-theme";

function kept() {
  try {
    return localStorage.getItem(KEY) ?? "auto";
  } catch {
    return "auto"; // a browser that keeps nothing
  }
}

/** Wires the choice of light and dark. */
export function followTheme() {
  const choice = document.getElementById("theme");
  const apply = (theme) => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  };
  choice.value = kept();
  apply(choice.value);
  choice.addEventListener("change", () => {
    apply(choice.value);
    try {
      localStorage.setItem(KEY, choice.value);
    } catch {
      // it holds until the page is left
    }
  });
}
