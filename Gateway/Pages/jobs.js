// The list of jobs, newest first. The first page follows what happens; rows stay the same elements, so that the keyboard's place is kept.

import { $, element, read, showStatus, tell, when } from "./api.js";

const every = 3000; // milliseconds

export async function jobs() {
  let next = null;
  const rows = new Map();

  const rowOf = job => {
    if (rows.has(job.id)) return rows.get(job.id);
    const row = { item: element("li"), chip: element("span", "", { className: "chip" }), bar: element("progress"), counts: element("span", "", { className: "counts" }) };
    row.bar.setAttribute("aria-label", "Items that have ended");
    row.item.append(element("a", job.id, { href: `/jobs/${job.id}`, className: "name" }), row.chip, row.bar, row.counts,
      element("span", `${job.model}, ${when(job.created_at)}`, { className: "quiet" }));
    rows.set(job.id, row);
    return row;
  };

  const fill = (row, job) => {
    const { done, failed, cancelled, total } = job.counts;
    showStatus(row.chip, job.status);
    [row.bar.max, row.bar.value] = [Math.max(1, total), done + failed + cancelled];
    row.counts.textContent = `${done} of ${total} done${failed ? `, ${failed} failed` : ""}`;
  };

  const show = async after => {
    const query = new URLSearchParams({ limit: 50, ...($("status").value && { status: $("status").value }), ...(after && { after }) });
    const page = await read(`/v1/jobs?${query}`);
    const found = page.data.map(job => {
      const row = rowOf(job);
      fill(row, job);
      return row.item;
    });
    if (after) $("jobs").append(...found);
    else if (found.some((item, place) => $("jobs").children[place] !== item) || found.length !== $("jobs").childElementCount) $("jobs").replaceChildren(...found);
    next = page.next;
    $("older").hidden = !next;
    tell("list-status", $("jobs").childElementCount ? "" : "There are no jobs here yet.");
  };

  let isPaged = false; // older ones were asked for: what is there stays
  const attempt = async after => show(after).catch(failure => tell("list-status", failure.message, true));
  $("status").addEventListener("change", () => {
    isPaged = false;
    attempt(null);
  });
  $("older").addEventListener("click", () => {
    isPaged = true;
    attempt(next);
  });
  await attempt(null);
  setInterval(() => { if (!isPaged && !document.hidden) attempt(null); }, every);
}
