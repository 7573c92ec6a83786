// One line on what went wrong or was done, over the viewer; an alarm is read out at once.

/** Tells an error of a call, with what can be done about it where that is one press. */
export function tell(state, error) {
  if (error.name === "AbortError") return;
  if (error.code === undefined) console.error(error);
  const expired = error.code === "gone";
  const again = expired && state.again ? { action: state.again, label: "Open it again" } : {};
  state.set({ message: { text: error.message, alarm: true, ...again } });
}

/** Shows the messages of the state. */
export function showMessages(state) {
  const place = document.getElementById("message");
  const text = place.querySelector("p");
  const button = place.querySelector("button.act");
  button.addEventListener("click", () => {
    const action = state.message?.action;
    state.set({ message: null });
    action?.();
  });
  place.querySelector("button.close").addEventListener("click", () => {
    state.set({ message: null });
    document.getElementById("draw").focus();
  });
  state.on(["message"], () => {
    const { message } = state;
    place.hidden = message === null;
    place.classList.toggle("alarm", message?.alarm ?? false);
    text.textContent = message?.text ?? "";
    button.hidden = !message?.action;
    button.textContent = message?.label ?? "";
  });
}
