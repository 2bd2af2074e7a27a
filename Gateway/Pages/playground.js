// Draws a picture with live previews, and asks about one.

import { $, element, events, post, read, showPicture, tell } from "./api.js";
import { openRecipe } from "./recipe.js";

export async function playground() {
  const models = (await read("/v1/models")).data;
  for (const [list, can] of [["draw-model", "can_draw"], ["ask-model", "can_chat"]])
    for (const model of models.filter(model => model.emu3[can])) $(list).append(element("option", model.id));
  const asked = chooser();
  drawer(picture => asked.offer(picture));
  asker(asked);
}

/** The form that draws. */
function drawer(onDrawn) {
  let drawing = null;
  let recipe = null;
  const frame = (state, note) => {
    $("frame").dataset.state = state;
    $("frame-note").textContent = note;
    $("frame-note").hidden = !note;
  };
  const shape = () => { if (!recipe) $("frame").style.setProperty("--ratio", $("ratio").value.replace(":", " / ")); };
  $("ratio").addEventListener("change", shape);
  shape();

  const draw = async body => {
    const started = performance.now();
    for await (const told of events(await post("/v1/images/generations", body, drawing.signal))) {
      if (told.error) throw new Error(told.error.message);
      const isDone = told.type === "image_generation.completed";
      await showPicture($("picture"), `data:image/${told.output_format};base64,${told.b64_json}`, body.prompt);
      frame(isDone ? "done" : "drawing", "");
      $("picture-open").hidden = false;
      $("picture").dataset.state = isDone ? "done" : `preview ${told.partial_image_index}`;
      if (!isDone) {
        tell("draw-status", `Preview ${told.partial_image_index + 1} …`);
        continue;
      }

      const { stream: _, partial_images: __, ...request } = body;
      recipe = [{ prompt: body.prompt, negative_prompt: body.negative_prompt, seed: told.seed, size: told.size, ratio: body.ratio, guidance_scale: body.guidance_scale, model: body.model,
        output_format: told.output_format, usage: `${told.usage.input_tokens} + ${told.usage.output_tokens} tokens` }, { ...request, seed: told.seed }];
      $("picture-open").disabled = false;
      $("caption").textContent = `${told.size}, seed ${told.seed}: ${body.prompt}`;
      onDrawn($("picture").src);
      tell("draw-status", `Done in ${((performance.now() - started) / 1000).toFixed(1)} s, ${told.usage.output_tokens} tokens.`);
      return;
    }
    throw new Error("The stream ended before the picture did. Draw it again.");
  };

  $("draw").addEventListener("submit", async happened => {
    happened.preventDefault();
    const body = { model: $("draw-model").value || undefined, prompt: $("prompt").value, ratio: $("ratio").value, stream: true, partial_images: 3 };
    if ($("negative").value) body.negative_prompt = $("negative").value;
    if ($("seed").value) body.seed = $("seed").value;
    if ($("guidance").value) body.guidance_scale = Number($("guidance").value);
    drawing = new AbortController();
    recipe = null;
    shape();
    [$("draw-start").disabled, $("draw-stop").disabled, $("picture-open").disabled, $("picture-open").hidden] = [true, false, true, true];
    $("caption").textContent = "";
    frame("drawing", "Drawing …");
    tell("draw-status", "Waiting for a worker …");
    try {
      await draw(body);
    } catch (failure) {
      const isStopped = failure.name === "AbortError";
      $("picture-open").hidden = true;
      frame(isStopped ? "empty" : "error", isStopped ? "Stopped." : "Nothing was drawn.");
      tell("draw-status", isStopped ? "Stopped." : failure.message, !isStopped);
    } finally {
      [$("draw-start").disabled, $("draw-stop").disabled] = [false, true];
    }
  });
  $("draw-stop").addEventListener("click", () => drawing?.abort());
  $("picture-open").addEventListener("click", () => { if (recipe) openRecipe("The picture", ...recipe, $("picture")); });
}

/** The picture that is asked about: an upload, or the one that was drawn. */
function chooser() {
  let drawn = null;
  const chosen = { address: null, offer: picture => { drawn = picture; $("use-drawn").disabled = false; } };
  const choose = async (picture, name) => {
    try {
      await showPicture($("asked"), picture, name);
      chosen.address = picture;
      $("asked-note").hidden = true;
      tell("ask-status", "");
    } catch {
      chosen.address = null;
      [$("asked").hidden, $("asked-note").hidden] = [true, false];
      tell("ask-status", "The browser can't show this file: choose a PNG, JPEG or WebP picture.", true);
    }
  };
  $("use-drawn").addEventListener("click", () => choose(drawn, "The picture that was drawn."));
  $("upload").addEventListener("change", () => {
    const file = $("upload").files[0];
    if (!file) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => choose(reader.result, `The uploaded picture ${file.name}.`));
    reader.readAsDataURL(file);
  });
  return chosen;
}

/** The form that asks. */
function asker(chosen) {
  $("ask").addEventListener("submit", async happened => {
    happened.preventDefault();
    $("ask-start").disabled = true;
    $("answer").textContent = "";
    tell("ask-status", "Thinking …");
    try {
      const content = [{ type: "text", text: $("question").value }];
      if (chosen.address) content.unshift({ type: "image_url", image_url: { url: chosen.address } });
      const body = { model: $("ask-model").value || undefined, messages: [{ role: "user", content }], stream: true };
      let reason = null;
      for await (const told of events(await post("/v1/chat/completions", body))) {
        if (told.error) throw new Error(told.error.message);
        reason = told.choices[0]?.finish_reason ?? reason;
        $("answer").textContent = ($("answer").textContent + (told.choices[0]?.delta.content ?? "")).trimStart();
      }
      if (!reason) throw new Error("The stream ended before the answer did. Ask again.");
      tell("ask-status", reason === "length" ? "Done: cut at the most tokens that an answer may have." : "Done.");
    } catch (failure) {
      tell("ask-status", failure.message, true);
    } finally {
      $("ask-start").disabled = false;
    }
  });
}
