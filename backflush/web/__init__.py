"""The browser's door: pages over the services. It translates; what may be done is decided in the rooms.

How to add a page
=================

**A module per room or area** (`web/stock.py`), its templates in `templates/web/`, its `urlpatterns` included in
`urls.py`, its area named in `frame.AREAS` (an area is shown as soon as its address exists and the person has one of its
rights; there are names for all of them already: "orders", "stock", "items", "sub-contractors", "costs", "audit",
"stock-map", "set-up").

    @page(Verb.SEE_WORK)                        # GET; behind the log-in; one of these rights is enough
    def orders_page(request: PageRequest) -> HttpResponse:
        page = page_of(orders(request.visit.site), request.GET, by=("number",))
        return render(request, "web/orders.html", {"page": page})

    @posts(Verb.RELEASE, again=show_order)      # POST; a refusal: again(request, refusal, *arguments)
    def release_page(request: PageRequest, number: str) -> HttpResponse:
        release_order(site=request.visit.site, number=number, by=request.user)
        return redirect("order", number)        # answer a post by a redirect: reloading posts nothing twice

`request.visit` is who is here, at which site, with which rights (`may`, `require`), and what day it is there. Times
in templates are the site's. Call selectors and services; if a page needs a figure that none gives, add a selector to
the room. A page costs the same number of statements however many rows there are: a test holds it to its budget.

**Refusals** are answered in `refusing`, nowhere else: 422, or 409 where somebody was quicker, 403, 404. In the form:

    <div class="form-row {% wrong refusal "quantity" %}">
      <label for="quantity">…</label>
      <input id="quantity" name="quantity" value="{{ typed.quantity }}" {% invalid refusal "quantity" %}>
      {% field_error refusal "quantity" %}

and `{% include "web/forms/refusal.html" %}` for one that is about no field of the form. Typed values always come back
(`typed` is request.POST), also to whoever was signed out meanwhile: `again` shows it after the log-in (`kept.py`).
A refusal's sentence is shown by `{{ refusal|said }}`, in the reader's language (`saying.py`). Whatever posts carries a
hidden `key` (`keys.new_key()`), so a double press posts once.

**Reading input** `reading.number_in(request.POST, "good", unit="EA")`, `moment_in`, `pks_in`: by the locale, never
rounded; a `Refusal` with the field where it can't be read.

**Showing** (all templates have these without `{% load %}`):
`{% icon "check" %}` (a new one needs `make setup`, which makes the sprite; an icon in Python is written icon="check") ·
`{% q value item %}` or `{% q value decimals=2 unit="kg" %}` · `{{ n|number:2 }}` `|money` `|unit_cost` `|counted` ·
`{{ n|typed }}` (as it stands in a field) · `{{ at|age }}` `|day` `|clock` `|when` `|near` `|spoken` `|weekday` ·
`{% status movement %}` `{{ order.status|order_status }}` `{% sign some_sign %}`
(`signs.py`) · `{% translate %}` and `{% blocktranslate %}` around every text;
in Python `_("…")`, never within an f-string, where `make words` can't find it. Script has no words of its own: they are
on `#toasts`, in the page's language.

**Pieces** `web/platform/base.html` (blocks `title`, `content`, `below`, `live` for what the live region says first) ·
`web/lists/pager.html` (page, older, newer, noun) · `web/lists/nothing.html` (title, text, link, word) ·
`web/forms/refusal.html` · classes: a `panel` has a header, a `panel-body` and a footer; a table is a
`ledger-table`, with `ledger-table-cards` where it becomes cards on a phone (`data-l` is the label of a cell;
`card-heading`, `card-corner`, `card-hidden`); `notice`, `chip-row`, `fact-list`, `figure-row`, `row-list`,
`button-row`, `choice`. A table is within `<div class="scroll-region" tabindex="0" role="region"
aria-label="…, table">`. A test fails for a class that the style sheet doesn't have, and for one that no page names.

**Plain pages first**: links and forms work without script. htmx swaps parts: `hx-get` with `hx-target` and `hx-select`
on a link that has the same `href`; `hx-push-url="true"` where it has an address. No inline script or style, no
`hx-on`, no filters in triggers: the policy (`policy.py`) refuses them. A part that takes focus when it was asked for
has `data-takes-focus` and a heading with `tabindex="-1"` within. `data-previews="#preview"` on a form dims the part
that is old while somebody types. `data-step="good 1"`, `data-set="good 10"` on buttons change a field; `data-print`
prints.

**Home's blocks** are in `blocks/`, which says how to add one.

**Styles** are in `display/styles/`: `app.css` names the cascade layers and the files of each (`components/button.css`,
`pages/queue.css`). `platform/style_sheet.py` combines them into `static/built/app.css`. Media queries are in the file
of what they change.

**Scripts** in `static/app` are ES modules, one per subject. `main.js` imports what every page has; a page names its
others in `{% block scripts %}`. Each file has `// @ts-check` and JSDoc types. `static/vendor` is copied from
node_modules by `tools/frontend.mjs` (add new files to its FILES). Django gives all of them hashed names, also in
imports, in `served`, which the wheel contains. Start `backflush serve` again after you change a style or a script.

**Check** both with `npm run check` (prettier, eslint, stylelint, tsc), which is part of `make check`.

**Format** templates with `.venv/bin/djlint --reformat your/templates`; `make check` looks.

**Tests** in `tests/doors/web`: `signed_in(plant, Role.STORES)` of `tests/doors/web/visitors.py` is a client on
both databases, for rights, happy path, refusals and statement budgets (`statements`); `tests/doors/web/browser` drives
chromium and runs axe over each page at three sizes in both themes.
"""
