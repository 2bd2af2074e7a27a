// One job: how it stands, what may be asked of it, what failed, and its items a page at a time.

import { $, call, element, post, read, showStatus, when } from "./api.js";
import { fieldsOf, openRecipe, requestOf } from "./recipe.js";
import { tiles } from "./tiles.js";

const labels = { cancel: "Cancel", pause: "Pause", resume: "Resume", retry_failed: "Retry failed", delete: "Delete" };
const pageSize = 60; // items that are shown at a time
const failedSize = 20;
const every = 1000; // milliseconds

export async function job() {
  const id = location.pathname.split("/").pop();
  const path = `/v1/jobs/${id}`;
  const query = new URLSearchParams(location.search);
  const grid = tiles($("results"), path, failure => tellError(failure.message));
  let told = null; // the job, as it was last seen
  let isSettled = false; // what is on the page can't change
  let order = query.get("order") === "completion" ? "completion" : "items";
  let from = Math.max(0, Math.floor(Number(query.get("from"))) || 0);
  let cursors = [""]; // of the pages in the order of completion, up to the one that is shown
  $("job-id").textContent = id;
  $(`order-${order}`).checked = true;

  const tellError = text => { $("job-error").textContent = text; };

  const showJob = () => {
    const counts = told.counts;
    showStatus($("job-status"), told.status);
    $("bar").max = Math.max(1, counts.total);
    $("bar").value = counts.done + counts.failed + counts.cancelled;
    const line = [`${counts.done} of ${counts.total} done`, ...["running", "pending", "failed", "cancelled"].filter(name => counts[name]).map(name => `${counts[name]} ${name}`)];
    if (told.items_per_second) line.push(`${told.items_per_second.toFixed(2)} items a second`);
    if (told.eta_seconds) line.push(told.eta_seconds < 60 ? "less than a minute to go" : `${Math.ceil(told.eta_seconds / 60)} min to go`);
    $("job-line").textContent = line.join(", ");
    $("job-more").textContent = [told.model, `made ${when(told.created_at)}`, told.ended_at && `ended ${when(told.ended_at)}`, told.resumed_inside && `${told.resumed_inside} went on inside`,
      told.pause_reason && `paused: ${told.pause_reason.replaceAll("_", " ")}`].filter(Boolean).join(" · ");
    showVerbs([...told.verbs.filter(verb => labels[verb] && (verb !== "retry_failed" || counts.failed > 0)), ...(counts.done ? ["download"] : [])]);
    showFailed();
  };

  const showVerbs = verbs => {
    if ($("verbs").dataset.verbs === verbs.join()) return;
    $("verbs").dataset.verbs = verbs.join(); // buttons stay the same elements while they mean the same, so that the keyboard's place is kept
    $("verbs").replaceChildren(...verbs.map(verb => {
      const button = element("button", verb === "download" ? "Download all" : labels[verb], { type: "button" });
      button.addEventListener("click", () => ask(verb));
      return button;
    }));
  };

  const ask = async verb => {
    tellError("");
    try {
      if (verb === "download") location.assign((await (await post(`${path}/archive`)).json()).url);
      else if (verb === "delete") {
        if (!confirm(`Delete ${id} and all its files?`)) return;
        await call(path, { method: "DELETE" });
        location.assign("/jobs");
      } else {
        told = await (await post(`${path}/${verb}`)).json();
        isSettled = false;
        showJob();
        await refresh(true);
      }
    } catch (failure) {
      tellError(failure.message);
    }
  };

  // --- What failed: found by the server, wherever in the job it is.

  let failed = { count: 0, next: 0, isBusy: false };
  const showFailed = () => {
    $("failures").hidden = told.counts.failed === 0;
    $("failed-count").textContent = `${told.counts.failed} failed`;
    if (told.counts.failed === failed.count) return;
    failed = { count: told.counts.failed, next: 0, isBusy: false };
    $("failed").replaceChildren();
    moreFailed();
  };

  const moreFailed = async () => {
    const mine = failed;
    if (mine.isBusy || mine.next === null) return;
    mine.isBusy = true;
    try {
      for (let found = 0; found < failedSize && mine.next !== null && $("failed").childElementCount < mine.count;) {
        const page = await read(`${path}/items?${new URLSearchParams({ status: "failed", from: mine.next, limit: failedSize - found })}`);
        if (mine !== failed) return;
        $("failed").append(...page.data.map(failedRow));
        [mine.next, found] = [page.next, found + page.data.length];
      }
      $("more-failed").hidden = mine.next === null || $("failed").childElementCount >= mine.count;
    } catch (failure) {
      tellError(failure.message);
    } finally {
      mine.isBusy = false;
    }
  };

  const failedRow = item => {
    const open = element("button", `${item.index}: ${item.id}`, { type: "button", className: "link" });
    open.addEventListener("click", () => openRecipe(`Item ${item.index}`, fieldsOf(item, told.model), requestOf(item, told.model), null));
    return element("li", null, {}, open, element("span", item.error?.message ?? "", { className: "error" }), element("span", item.prompt ?? item.question ?? "", { className: "quiet" }));
  };

  // --- The items

  const showItems = async () => {
    const total = told.counts.total;
    if (order === "items") from = Math.min(from, Math.max(0, Math.floor((total - 1) / pageSize) * pageSize));
    const page = order === "items"
      ? await read(`${path}/items?${new URLSearchParams({ from, limit: pageSize })}`)
      : await read(`${path}/results?${new URLSearchParams({ limit: pageSize, ...(cursors.at(-1) && { after: cursors.at(-1) }) })}`);
    grid.show(page.data, told.model);
    const isFull = page.data.length === pageSize;
    isSettled = page.data.every(item => ["done", "failed", "cancelled"].includes(item.status)) && (order === "items" ? page.data.length > 0 : isFull);
    const first = order === "items" ? from : (cursors.length - 1) * pageSize;
    $("place").textContent = page.data.length ? `${first + 1}–${first + page.data.length} of ${total}` : `none of ${total} yet`;
    $("earlier").disabled = first === 0;
    $("later").disabled = order === "items" ? from + pageSize >= total : !(isFull && page.has_more);
    $("later").dataset.next = order === "items" ? "" : page.next;
    $("pager").hidden = total <= pageSize;
    $("go-to").hidden = order !== "items";
    $("go").max = Math.max(0, total - 1);
  };

  const turn = async () => {
    isSettled = false;
    const shown = new URLSearchParams({ ...(order !== "items" && { order }), ...(order === "items" && from && { from }) }).toString();
    history.replaceState(null, "", location.pathname + (shown && `?${shown}`));
    await refresh(true);
    $("results-title").scrollIntoView({ block: "nearest" });
  };

  for (const name of ["items", "completion"])
    $(`order-${name}`).addEventListener("change", () => {
      [order, from, cursors] = [name, 0, [""]];
      turn();
    });
  $("earlier").addEventListener("click", () => {
    if (order === "items") from = Math.max(0, from - pageSize);
    else cursors.pop();
    turn();
  });
  $("later").addEventListener("click", () => {
    if (order === "items") from += pageSize;
    else cursors.push($("later").dataset.next);
    turn();
  });
  $("go-form").addEventListener("submit", happened => {
    happened.preventDefault();
    from = Math.floor(Number($("go").value) / pageSize) * pageSize;
    turn();
  });
  $("more-failed").addEventListener("click", moreFailed);

  // --- What happens meanwhile

  let running = Promise.resolve();
  const refresh = isAsked => running = running.then(async () => {
    const hasEnded = told && ["completed", "cancelled", "aborted"].includes(told.status);
    if (!isAsked && (document.hidden || (hasEnded && isSettled))) return;
    try {
      told = await read(path);
      showJob();
      if (!isSettled || isAsked) await showItems();
    } catch (failure) {
      tellError(failure.message);
    }
  });
  await refresh(true);
  for (;;) {
    await new Promise(resolve => setTimeout(resolve, every));
    await refresh(false);
  }
}
