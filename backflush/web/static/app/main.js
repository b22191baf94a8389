// @ts-check
// What every page has. The server makes the pages and htmx swaps their parts: scripts add keys, focus, and what happens
// when there is no answer. A page's own scripts are in its template: board.js, charts.js, map.js, queue.js.
import "./theme-switch.js";
import "./shortcuts.js";
import "./fields.js";
import "./previews.js";
import "./answers.js";
import "./offline.js";
import "./unsaved-changes.js";
import "./lookup.js";
import "./dates.js";
import "./early-input.js";
import { find } from "./dom.js";

// Where the tabs are wider than the screen, the open one is in sight.
find(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
