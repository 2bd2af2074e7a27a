// The script of the playground and the job pages. It speaks the public API and nothing else, with the key that the visitor gave, if any.

import { $, element } from "./api.js";
import { job } from "./job.js";
import { jobs } from "./jobs.js";
import { playground } from "./playground.js";

$("key-form").addEventListener("submit", happened => {
  happened.preventDefault();
  sessionStorage.setItem("emu3-key", $("key").value.trim());
  location.reload();
});
const page = document.body.dataset.page;
for (const link of document.querySelectorAll("nav a")) if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
({ playground, jobs, job })[page]().catch(failure => document.querySelector("[role=status]").replaceChildren(element("span", failure.message, { className: "error" })));
