// The dialog with all that a picture or an answer was made of, and the request that makes it again.

import { $, element, hasKey } from "./api.js";

const divisor = (a, b) => b === 0 ? a : divisor(b, a % b);

/** The request that makes an item's picture again; null for answers, whose pictures are not told. */
export function requestOf(item, model) {
  if (item.kind !== "image") return null;
  const side = divisor(item.width, item.height);
  const request = {
    model,
    prompt: item.prompt,
    prompt_suffix: "", // the prompt has it already
    negative_prompt: item.negative_prompt,
    seed: item.seed,
    ratio: `${item.width / side}:${item.height / side}`,
    area: item.width * item.height,
    guidance_scale: item.guidance_scale,
    temperature: item.temperature,
    top_k: item.top_k,
    top_p: item.top_p,
  };
  if (item.sample) request.sample = item.sample;
  if (item.format !== "png") request.output_format = item.format;
  return request;
}

/** The fields of an item, named as the API names them, in the order of the dialog. */
export function fieldsOf(item, model) {
  return {
    status: item.status, prompt: item.prompt, question: item.question, text: item.text, error: item.error?.message, negative_prompt: item.negative_prompt, seed: item.seed, sample: item.sample || null,
    size: item.width ? `${item.width}x${item.height}` : null, guidance_scale: item.guidance_scale, temperature: item.temperature, top_k: item.top_k, top_p: item.top_p,
    stop: item.stop?.join(", "), model, id: item.id, index: item.index, format: item.format, finish_reason: item.finish_reason,
    usage: item.usage && `${item.usage.prompt_tokens} + ${item.usage.completion_tokens} tokens`,
    reproducible: item.status === "done" ? String(item.reproducible) : null, numeric_class: item.numeric_class, made_by: item.made_by, file_bytes: item.file_bytes,
    tokens_sha256: item.tokens_sha256, file_sha256: item.file_sha256,
  };
}

function curlOf(request) {
  const key = hasKey() ? " -H \"Authorization: Bearer $EMU3_API_KEY\"" : "";
  return `curl -s '${location.origin}/v1/images/generations'${key} -H 'Content-Type: application/json' -d '${JSON.stringify(request).replaceAll("'", "'\\''")}'`;
}

/** Into the clipboard; outside secure contexts there is none, and the page's selection has to do. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = element("textarea", text, { className: "skip" });
  $("recipe").append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (!isCopied) throw new Error("The browser does not allow copying here.");
}

function copier(label, text) {
  const button = element("button", label, { type: "button" });
  button.addEventListener("click", async () => {
    const told = $("recipe-told");
    await copy(text).then(() => { told.textContent = "Copied."; }, failure => { told.textContent = failure.message; });
  });
  return button;
}

/**
 * Opens the dialog.
 * @param title What it is about.
 * @param fields Names and values; those without a value are left out.
 * @param request What makes it again, or null.
 * @param picture The image element that is shown, or null.
 */
export function openRecipe(title, fields, request, picture) {
  const list = element("dl");
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined && value !== null && value !== "") list.append(element("div", null, {}, element("dt", name), element("dd", String(value))));
  const close = element("button", "Close", { type: "button" });
  const dialog = element("dialog", null, { id: "recipe" },
    element("div", null, { className: "head" }, element("h2", title, { id: "recipe-title" }), close));
  dialog.setAttribute("aria-labelledby", "recipe-title");
  const verbs = element("div", null, { className: "verbs" });
  if (picture) {
    const shown = element("img", null, { src: picture.src, alt: picture.alt, className: `large ${picture.className}` });
    dialog.append(shown);
    verbs.append(element("a", "Download", { href: picture.src, download: `${String(fields.id ?? "picture").replace(/[^\w.-]+/g, "_")}.${fields.format ?? "png"}`, className: "button" }));
  }
  if (request) verbs.append(copier("Copy request", JSON.stringify(request, null, 2)), copier("Copy curl", curlOf(request)));
  if (fields.text) verbs.append(copier("Copy text", fields.text));
  if (verbs.childElementCount) dialog.append(verbs, element("p", "", { id: "recipe-told", className: "quiet", role: "status" }));
  dialog.append(list);
  if (request) dialog.append(element("details", null, {}, element("summary", "Request: POST /v1/images/generations"), element("pre", JSON.stringify(request, null, 2), { tabIndex: 0 })));

  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", happened => { if (happened.target === dialog) dialog.close(); }); // beside it
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
