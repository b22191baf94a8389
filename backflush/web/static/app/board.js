// Home: blocks that fail say so in themselves, and blocks that are dragged go where they are dropped. Everything else
// that one does to the board is a form (home.py), so that it works by keys, by touch and without this file.
"use strict";

{
  const block = (e) => {
    const part = e.detail.elt.closest?.("[data-refreshes]") || e.detail.target?.closest?.("[data-refreshes]");
    return part && part.id ? part : null;
  };

  // ---- a block that fails: what the server says of it is shown; where nobody answers, what stands there stays ----------
  document.addEventListener("htmx:beforeSwap", (e) => {
    if (block(e) && e.detail.xhr.status === 500) e.detail.shouldSwap = true;
  });

  document.addEventListener("htmx:sendError", (e) => {
    const waits = block(e)?.querySelector("[data-block-loading]");
    if (!waits) return;
    waits.hidden = true;
    block(e).querySelector("[data-block-failed]").hidden = false;
  });

  document.addEventListener("click", (e) => {
    const again = e.target.closest("[data-again]");
    if (!again) return;
    const part = again.closest("[data-refreshes]");
    part.querySelector("[data-block-loading]").hidden = false;
    part.querySelector("[data-block-failed]").hidden = true;
    htmx.trigger(part, "refresh");
  });

  // ---- dragging, while arranging: dropped on a block, it takes that block's place ------------------------------------------
  const name = (e) => e.target.closest?.(".is-arranging [data-block]")?.dataset.block;
  const mark = (looks, on) => document.querySelectorAll(`.${looks}`).forEach((one) => one.classList.toggle(looks, on));
  let dragged = "";

  document.addEventListener("dragstart", (e) => {
    dragged = name(e) || "";
    if (!dragged) return;
    e.dataTransfer.effectAllowed = "move";
    e.dataTransfer.setData("text/plain", dragged);
    e.target.closest("[data-block]").classList.add("is-dragged");
  });

  document.addEventListener("dragover", (e) => {
    const over = name(e);
    if (!dragged || !over) return;
    e.preventDefault();
    mark("is-drop-target", false);
    if (over !== dragged) e.target.closest("[data-block]").classList.add("is-drop-target");
  });

  document.addEventListener("dragend", () => {
    mark("is-dragged", false);
    mark("is-drop-target", false);
    dragged = "";
  });

  document.addEventListener("drop", (e) => {
    const over = name(e);
    if (!dragged || !over) return;
    e.preventDefault();
    if (over === dragged) return;
    const form = document.querySelector(`#block-${dragged} .board-block-tools`);
    const order = [...document.querySelectorAll("[data-block]")].map((one) => one.dataset.block);
    const does = order.indexOf(dragged) < order.indexOf(over) ? "after" : "before";
    htmx.ajax("POST", form.action, {
      source: form,
      target: "#home",
      swap: "outerHTML",
      values: { do: "place", [does]: over },
    });
  });
}
