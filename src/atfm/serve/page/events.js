// Server-sent events of an answer to a POST, which the browser's own EventSource cannot read.

function parsed(block) {
  const found = { event: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, field, value] = /^(event|data): ?(.*)$/.exec(line) ?? [];
    if (field === "event") found.event = value;
    if (field === "data") found.data += value;
  }
  return found.data === "" ? null : { event: found.event, data: JSON.parse(found.data) };
}

/** Each event of a stream of bytes, as {event, data}. */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let pieces = []; // joined only where an event ends: the masks of a thousand samples come in many pieces
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    pieces.push(value.replaceAll("\r", ""));
    const before = pieces.length > 1 ? pieces[pieces.length - 2].slice(-1) : "";
    if (!`${before}${pieces[pieces.length - 1]}`.includes("\n\n")) continue;
    const blocks = pieces.join("").split("\n\n");
    pieces = [blocks.pop()];
    for (const event of blocks.map(parsed)) if (event) yield event;
  }
}
