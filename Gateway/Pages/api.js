// What all pages use: requests to the public API with the visitor's key, and small pieces of the page. Text from outside only ever becomes text.

export const $ = id => document.getElementById(id);

const keyOf = () => sessionStorage.getItem("emu3-key");

/** Whether the visitor has given a key. */
export const hasKey = () => Boolean(keyOf());

/** Sends a request with the visitor's key; throws with the server's own reason. */
export async function call(path, options = {}) {
  const headers = { ...options.headers };
  if (keyOf()) headers.Authorization = `Bearer ${keyOf()}`;
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 401) $("access").open = true;
  const body = await response.json().catch(() => null);
  throw new Error(body?.error?.message ?? `The server answered with status ${response.status}.`);
}

export const read = async path => (await call(path)).json();

export const post = (path, body, signal) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body), signal });

/** The data of each event of a response (HTML standard, 9.2). */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = "", done = false; !done;) {
    const part = await reader.read();
    done = part.done;
    text += part.value ?? "";
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const lines = block.split("\n");
      const data = lines.filter(line => line.startsWith("data: ")).map(line => line.slice(6)).join("\n");
      if (data && data !== "[DONE]") yield JSON.parse(data);
    }
  }
}

/** An element with text, properties and children. */
export function element(name, text, properties = {}, ...children) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = text;
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

export function tell(id, text, isError = false) {
  $(id).textContent = text;
  $(id).classList.toggle("error", isError);
}

export const when = seconds => seconds ? new Date(seconds * 1000).toLocaleString() : "";

/** A word about where a job or an item stands, coloured by it. */
export function showStatus(chip, status) {
  chip.textContent = status;
  chip.dataset.status = status;
}

/** Shows a picture once its pixels are there, so that nothing broken or empty is ever seen. */
export async function showPicture(image, address, alt) {
  image.src = address;
  image.alt = alt;
  await image.decode();
  image.classList.toggle("pixels", image.naturalWidth < 256);
  image.hidden = false;
}
