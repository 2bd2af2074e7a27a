// A page of a job's items as tiles: each a picture, an answer, or where it stands, with its prompt and seed, and its recipe on click.

import { call, element } from "./api.js";
import { fieldsOf, openRecipe, requestOf } from "./recipe.js";

const atOnce = 6; // pictures that are fetched at a time

/** Tiles in a list element. Tiles of items that stay on the page are kept, so that the keyboard's place is; pictures are fetched when they come into sight. */
export function tiles(list, path, onFailure) {
  const known = new Map(); // by index of the item
  const waiting = [];
  let loading = 0;
  let model = "";

  const sight = new IntersectionObserver(seen => {
    for (const { target } of seen.filter(one => one.isIntersecting)) {
      sight.unobserve(target);
      waiting.push(target.tile);
    }
    loadNext();
  }, { rootMargin: "400px" });

  const loadNext = () => {
    while (loading < atOnce && waiting.length) {
      const tile = waiting.shift();
      if (known.get(tile.item.index) !== tile) continue; // not on this page any more
      loading++;
      load(tile).catch(failure => note(tile, failure.message)).finally(() => {
        loading--;
        loadNext();
      });
    }
  };

  const load = async tile => {
    const file = await (await call(`${path}/items/${tile.item.index}/content`)).blob();
    const image = element("img", null, { alt: tile.item.prompt ?? tile.item.id, src: URL.createObjectURL(file) });
    await image.decode();
    image.classList.toggle("pixels", image.naturalWidth < 256);
    if (known.get(tile.item.index) !== tile) return URL.revokeObjectURL(image.src);
    tile.frame.replaceChildren(image);
    tile.image = image;
  };

  const note = (tile, ...lines) => tile.frame.replaceChildren(...lines.map(line => element("span", line, { className: "note" })));

  const make = item => {
    const tile = {
      place: element("li", null, { className: "tile" }), frame: element("span", null, { className: "frame" }),
      text: element("p", item.prompt ?? item.question ?? "", { className: "prompt", title: item.prompt ?? item.question ?? "" }),
      small: element("p", `seed ${item.seed}${item.sample ? `, sample ${item.sample}` : ""}`, { className: "quiet" }),
      name: element("p", `${item.index}: ${item.id}`, { className: "quiet name", title: item.id }),
    };
    const open = element("button", null, { type: "button", className: "open" }, tile.frame);
    open.addEventListener("click", () => openRecipe(`Item ${tile.item.index}`, fieldsOf(tile.item, model), requestOf(tile.item, model), tile.image));
    tile.place.tile = tile;
    tile.place.append(open, tile.text, tile.small, tile.name);
    return tile;
  };

  const fill = (tile, item) => {
    const isSame = tile.item?.status === item.status;
    tile.item = item;
    if (isSame) return;
    tile.place.dataset.status = item.status;
    if (item.status === "failed") note(tile, "failed", item.error?.message ?? "");
    else if (item.status !== "done") note(tile, item.status);
    else if (item.kind !== "image") tile.frame.replaceChildren(element("span", (item.text ?? "The answer's file was released.").trim(), { className: "text" }));
    else {
      note(tile, "loading …");
      sight.observe(tile.place);
    }
  };

  const forget = tile => {
    sight.unobserve(tile.place);
    known.delete(tile.item.index);
    if (tile.image) URL.revokeObjectURL(tile.image.src);
  };

  return {
    /** Shows exactly these items, in this order. */
    show(items, of) {
      model = of;
      const wanted = new Map(items.map(item => [item.index, item])); // of an item that was begun anew the last one counts
      for (const [index, tile] of [...known]) if (!wanted.has(index)) forget(tile);
      const places = [];
      for (const item of wanted.values()) {
        const tile = known.get(item.index) ?? make(item);
        known.set(item.index, tile);
        try {
          fill(tile, item);
        } catch (failure) {
          onFailure(failure);
        }
        places.push(tile.place);
      }
      if (places.length !== list.childElementCount || places.some((place, at) => list.children[at] !== place)) list.replaceChildren(...places);
    },
  };
}
