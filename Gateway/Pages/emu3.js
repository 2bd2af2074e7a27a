// The script of the playground and the job pages. It speaks the public API and nothing else, with the key that the visitor gave, if any.

const $ = id => document.getElementById(id);
const keyOf = () => sessionStorage.getItem("emu3-key");

/** Sends a request with the visitor's key; throws with the server's own reason. */
async function call(path, options = {}) {
  const headers = { ...options.headers };
  if (keyOf()) headers.Authorization = `Bearer ${keyOf()}`;
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 401) $("access").open = true;
  const body = await response.json().catch(() => null);
  throw new Error(body?.error?.message ?? `The server answered with status ${response.status}.`);
}

const read = async path => (await call(path)).json();

const post = (path, body, signal) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body), signal });

/** Events of a response (HTML standard, 9.2), each as its name and its data. */
async function* events(response) {
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

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  Object.assign(made, attributes);
  return made;
}

function tell(id, text, isError = false) {
  $(id).textContent = text;
  $(id).classList.toggle("error", isError);
}

// --- Playground

async function playground() {
  let drawn = null; // data URL of the last finished picture
  let asked = null;
  let drawing = null;
  const models = (await read("/v1/models")).data;
  for (const [list, can] of [["draw-model", "can_draw"], ["ask-model", "can_chat"]])
    for (const model of models.filter(model => model.emu3[can])) $(list).append(element("option", model.id));

  $("draw").addEventListener("submit", async happened => {
    happened.preventDefault();
    drawing = new AbortController();
    [$("draw-start").disabled, $("draw-stop").disabled] = [true, false];
    tell("draw-status", "Waiting for a worker …");
    const started = performance.now();
    try {
      const body = { model: $("draw-model").value || undefined, prompt: $("prompt").value, ratio: $("ratio").value, stream: true, partial_images: 3 };
      if ($("negative").value) body.negative_prompt = $("negative").value;
      if ($("seed").value) body.seed = $("seed").value;
      if ($("guidance").value) body.guidance_scale = Number($("guidance").value);
      for await (const told of events(await post("/v1/images/generations", body, drawing.signal))) {
        if (told.error) throw new Error(told.error.message);
        const picture = `data:image/${told.output_format};base64,${told.b64_json}`;
        $("picture").src = picture;
        const isDone = told.type === "image_generation.completed";
        $("picture").alt = `${isDone ? "Drawn" : "A preview"}: ${body.prompt}`;
        $("picture").dataset.state = isDone ? "done" : `preview ${told.partial_image_index}`;
        if (!isDone) {
          tell("draw-status", `Preview ${told.partial_image_index + 1} …`);
          continue;
        }
        drawn = picture;
        $("use-drawn").disabled = false;
        $("caption").textContent = `${told.size}, seed ${told.seed}: ${body.prompt}`;
        tell("draw-status", `Done in ${((performance.now() - started) / 1000).toFixed(1)} s, ${told.usage.output_tokens} tokens.`);
      }
    } catch (failure) {
      tell("draw-status", failure.name === "AbortError" ? "Stopped." : failure.message, failure.name !== "AbortError");
    } finally {
      [$("draw-start").disabled, $("draw-stop").disabled] = [false, true];
    }
  });
  $("draw-stop").addEventListener("click", () => drawing?.abort());

  const choose = (picture, name) => {
    asked = picture;
    $("asked").src = picture;
    $("asked").alt = name;
  };
  $("use-drawn").addEventListener("click", () => choose(drawn, "The picture that was drawn."));
  $("upload").addEventListener("change", () => {
    const file = $("upload").files[0];
    if (!file) return;
    const reader = new FileReader();
    reader.addEventListener("load", () => choose(reader.result, `The uploaded picture ${file.name}.`));
    reader.readAsDataURL(file);
  });

  $("ask").addEventListener("submit", async happened => {
    happened.preventDefault();
    $("ask-start").disabled = true;
    $("answer").textContent = "";
    tell("ask-status", "Thinking …");
    try {
      const content = [{ type: "text", text: $("question").value }];
      if (asked) content.unshift({ type: "image_url", image_url: { url: asked } });
      const body = { model: $("ask-model").value || undefined, messages: [{ role: "user", content }], stream: true };
      for await (const told of events(await post("/v1/chat/completions", body))) {
        if (told.error) throw new Error(told.error.message);
        $("answer").textContent = ($("answer").textContent + (told.choices[0]?.delta.content ?? "")).trimStart();
      }
      tell("ask-status", "Done.");
    } catch (failure) {
      tell("ask-status", failure.message, true);
    } finally {
      $("ask-start").disabled = false;
    }
  });
}

// --- Jobs

const when = seconds => seconds ? new Date(seconds * 1000).toLocaleString() : "";

async function jobs() {
  let next = null;
  const show = async after => {
    try {
      const query = new URLSearchParams({ limit: 50, ...($("status").value && { status: $("status").value }), ...(after && { after }) });
      const page = await read(`/v1/jobs?${query}`);
      if (!after) $("jobs").replaceChildren();
      for (const job of page.data) {
        const row = element("tr");
        const name = element("td");
        name.append(element("a", job.id, { href: `/jobs/${job.id}` }));
        row.append(name, element("td", job.model), element("td", job.status), element("td", `${job.counts.done} of ${job.counts.total}${job.counts.failed ? `, ${job.counts.failed} failed` : ""}`), element("td", when(job.created_at)));
        $("jobs").append(row);
      }
      next = page.next;
      $("older").hidden = !next;
      tell("list-status", page.data.length || after ? "" : "There are none.");
    } catch (failure) {
      tell("list-status", failure.message, true);
    }
  };
  $("status").addEventListener("change", () => show(null));
  $("older").addEventListener("click", () => show(next));
  await show(null);
}

// --- One job

const labels = { cancel: "Cancel", pause: "Pause", resume: "Resume", retry_failed: "Retry what failed", delete: "Delete" };

async function job() {
  const id = location.pathname.split("/").pop();
  const path = `/v1/jobs/${id}`;
  let after = "";
  let most = 100; // results that are shown
  let shown = 0;
  $("job-id").textContent = id;

  const showJob = told => {
    const counts = told.counts;
    const ended = counts.done + counts.failed + counts.cancelled;
    $("bar").max = Math.max(1, counts.total);
    $("bar").value = ended;
    const rate = told.items_per_second ? `, ${told.items_per_second.toFixed(2)} a second` : "";
    const eta = told.eta_seconds ? `, ${Math.ceil(told.eta_seconds / 60)} min to go` : "";
    tell("job-line", `${told.status}: ${counts.done} of ${counts.total} done, ${counts.running} running, ${counts.failed} failed, ${counts.cancelled} cancelled${rate}${eta}`);
    $("job-more").textContent = `${told.model}; made ${when(told.created_at)}; ${told.resumed_inside} went on inside${told.pause_reason ? `; paused: ${told.pause_reason.replaceAll("_", " ")}` : ""}`;
    const wanted = [...told.verbs.filter(verb => labels[verb] && (verb !== "retry_failed" || counts.failed > 0)), ...(counts.done ? ["download"] : [])].join();
    if ($("verbs").dataset.verbs === wanted) return;
    $("verbs").dataset.verbs = wanted; // buttons stay the same elements while they mean the same, so that the keyboard's place is kept
    $("verbs").replaceChildren(...wanted.split(",").filter(Boolean).map(verb => {
      const button = element("button", verb === "download" ? "Download all" : labels[verb], { type: "button" });
      button.addEventListener("click", () => ask(verb));
      return button;
    }));
  };

  const ask = async verb => {
    $("job-error").textContent = "";
    try {
      if (verb === "download") location.assign((await (await post(`${path}/archive`)).json()).url);
      else if (verb === "delete") {
        if (!confirm(`Delete ${id} and all its files?`)) return;
        await call(path, { method: "DELETE" });
        location.assign("/jobs");
      } else showJob(await (await post(`${path}/${verb}`)).json());
    } catch (failure) {
      $("job-error").textContent = failure.message;
    }
  };

  const showResult = async result => {
    if (result.status === "failed") {
      const row = element("tr");
      row.append(element("td", result.id), element("td", result.error?.message ?? ""));
      $("failed").append(row);
      $("failures").hidden = false;
    }
    if (result.status !== "done") return;
    const item = element("li");
    if (result.kind === "image") {
      const picture = element("img", undefined, { alt: result.prompt ?? result.id, title: result.prompt ?? "" });
      const blob = await (await call(`${path}/items/${result.index}/content`)).blob();
      picture.src = URL.createObjectURL(blob);
      const link = element("a", undefined, { href: picture.src, target: "_blank", rel: "noopener" });
      link.append(picture);
      item.append(link);
    } else {
      item.append(element("p", (result.text ?? "").trim()));
    }
    item.append(element("small", result.id));
    $("results").append(item);
  };

  $("more").addEventListener("click", () => {
    most += 100;
    refresh();
  });

  let isBusy = false;
  const refresh = async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      const told = await read(path);
      showJob(told);
      for (let hasMore = true; hasMore && shown < most;) {
        const page = await read(`${path}/results?${new URLSearchParams({ limit: Math.min(50, most - shown), ...(after && { after }) })}`);
        for (const result of page.data) await showResult(result).catch(failure => { $("job-error").textContent = failure.message; });
        shown += page.data.length;
        after = page.next;
        hasMore = page.data.length > 0;
      }
      $("more").hidden = shown < most || shown >= told.counts.total;
    } catch (failure) {
      $("job-error").textContent = failure.message;
    } finally {
      isBusy = false;
    }
  };
  await refresh();
  setInterval(refresh, 1000);
}

// --- All pages

$("key-form").addEventListener("submit", happened => {
  happened.preventDefault();
  sessionStorage.setItem("emu3-key", $("key").value.trim());
  location.reload();
});
const start = { playground, jobs, job }[document.body.dataset.page];
start().catch(failure => document.querySelector("[role=status]").replaceChildren(element("span", failure.message, { className: "error" })));
