"""The pages: they translate between browsers and the services, and have no business rules of their own.

How to add a page
=================

**A module** in the folder of its subject (`web/stock/`), its template in the folder of the same name below
`templates/web/`, its `urlpatterns` included in `urls.py`. An area of the navigation is listed in
`platform/navigation.py`; it is shown to users with one of its rights.

    @page(Verb.SEE_WORK)                        # GET; behind the log-in; one of these rights is enough
    def orders_page(request: PageRequest) -> HttpResponse:
        page = page_of(orders(request.visit.site), request.GET, by=("number",))
        return render(request, "web/orders.html", {"page": page})

    @posts(Verb.RELEASE, again=show_order)      # POST; a refusal: again(request, refusal, *arguments)
    def release_page(request: PageRequest, number: str) -> HttpResponse:
        release_order(site=request.visit.site, number=number, by=request.user)
        return redirect("order", number)        # answer a post by a redirect: reloading posts nothing twice

`request.visit` has the user, the site, the user's rights (`may`, `require`), and the site's date. Times in templates
are in the site's time zone. Call selectors and services; if none returns the figure that a page needs, add a selector
to the room. A page takes the same number of statements for any number of rows, which a test checks.

**Refusals** are answered in `platform/errors.py` only, with their status (`delivery/refusals.py`). In the form:

    <div class="form-row {% wrong refusal "quantity" %}">
      <label for="quantity">…</label>
      <input id="quantity" name="quantity" value="{{ typed.quantity }}" {% invalid refusal "quantity" %}>
      {% field_error refusal "quantity" %}

and `{% include "web/forms/refusal.html" %}` for a refusal that concerns no field of the form. The input is always shown
again (`typed` is request.POST), also to a user whose session had ended: `again` shows the form after the log-in
(`platform/resubmission.py`). `{{ refusal|said }}` is a refusal's sentence in the user's language
(`display/translation.py`). A form that posts stock has a hidden `key` (`forms/idempotency.py`), so a double press posts
once.

**Reading input** `forms/values.py`: `number_in(request.POST, "good", unit="EA")`, `moment_in` and others read the
user's number format, never round, and raise a `Refusal` with the field for invalid input.

**Showing values** (tags of all templates, without `{% load %}`):
`{% icon "check" %}` (for a new one run `make setup`, which builds the sprite; an icon in Python is written
icon="check") · `{% q value item %}` or `{% q value decimals=2 unit="kg" %}` · `{{ n|number:2 }}` `|money` `|unit_cost`
`|counted` · `{{ n|typed }}` (for an input field) · `{{ at|age }}` `|day` `|clock` `|when` `|near` `|spoken` `|weekday`
· `{% status movement %}` `{{ order.status|order_status }}` `{% badge some_sign %}` (`display/badges.py`) · `{%
translate %}` and `{% blocktranslate %}` around every text; in Python `_("…")`, never within an f-string, where `make
words` can't find it. Script has no words of its own: they are on `#toasts`, in the page's language.

**Pieces** `web/platform/base.html` (blocks `title`, `content`, `below`, `live` for what the live region says first) ·
`web/lists/pager.html` (page, older, newer, noun) · `web/lists/nothing.html` (title, text, link, word) ·
`web/forms/refusal.html` · classes: a `panel` has a header, a `panel-body` and a footer; a table is a
`ledger-table`, with `ledger-table-cards` where it becomes cards on a phone (`data-l` is the label of a cell;
`card-heading`, `card-corner`, `card-hidden`); `notice`, `chip-row`, `fact-list`, `figure-row`, `row-list`,
`button-row`, `choice`. A table is within `<div class="scroll-region" tabindex="0" role="region"
aria-label="…, table">`. A test fails for a class that the style sheet doesn't have, and for one that no page names.

**Plain pages first**: links and forms work without script. htmx swaps parts: `hx-get` with `hx-target` and `hx-select`
on a link that has the same `href`; `hx-push-url="true"` where it has an address. No inline script or style, no
`hx-on`, no filters in triggers: the policy (`platform/csp.py`) blocks them. A part that takes the focus when it is
requested has `data-takes-focus` and a heading with `tabindex="-1"`. `data-previews="#preview"` on a form dims the
outdated preview while the user types. `data-step="good 1"`, `data-set="good 10"` on buttons change a field;
`data-print` prints.

**Home's blocks** are in `home/blocks/`, whose docstring explains how to add one.

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
