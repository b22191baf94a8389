"""Links within the stock map: transfer rules, receive actions of sites, stock locations of suppliers."""

from backflush.imports.context import Work
from backflush.imports.files import ImportRow
from backflush.imports.master_data import UPDATE, note_difference
from backflush.stockmap.models import ActionType, Location, Site, Supplier, SupplierStock, TransferRule
from backflush.stockmap.services import (
    RuleIn,
    add_rules,
    replace_rules,
    set_adjustment,
    set_complete_when_full,
    set_receive_action,
    set_supplier_stocks,
)


def take_site_settings(work: Work) -> None:
    """Set the receive action and adjustment place of each site, and whether its orders complete themselves."""
    sheet = work.sheets.get("sites")
    if sheet is None:
        return
    for row in sheet.rows:
        site = work.sites.get(row["code"])
        if site is None:
            continue
        if "receive_action" in sheet.given and row["receive_action"]:
            _take_receive_action(work, row, site)
        if "adjustment" in sheet.given and row["adjustment"]:
            _take_adjustment(work, row, site)
        full = row["complete_when_full"]
        differs = "complete_when_full" in sheet.given and full != site.complete_when_full
        if differs and _may_set(work, row, site, "complete_when_full", site.complete_when_full):
            set_complete_when_full(site=site, on=full)


def _take_receive_action(work: Work, row: ImportRow, site: Site) -> None:
    action = work.find("sites", row, "receive_action", work.actions, row["receive_action"])
    if action is None or action == site.receive_action:
        return
    if site.receive_action is None or _may_set(work, row, site, "receive_action", site.receive_action):
        given = [(row, action)]
        work.hand_over("sites", given, lambda actions: [set_receive_action(site=site, action=actions[0])], {})


def _take_adjustment(work: Work, row: ImportRow, site: Site) -> None:
    place = work.find("sites", row, "adjustment", work.locations, (site.pk, row["adjustment"]))
    if place is None or place.pk == site.adjustment_id:
        return
    if site.adjustment is None or _may_set(work, row, site, "adjustment", site.adjustment):
        given = [(row, place)]
        work.hand_over("sites", given, lambda places: [set_adjustment(site=site, location=places[0])], {})


def _may_set(work: Work, row: ImportRow, site: Site, column: str, before: object) -> bool:
    """Return whether a setting may be changed: for a new site, or with --update."""
    if work.update or site.code in work.new_sites:
        return True
    note_difference(work, "sites", row, column, before, row[column])
    return False


def take_supplier_stock(work: Work) -> None:
    """Set the locations from which suppliers' backflush takes (R5)."""
    sheet = work.sheets.get("suppliers")
    known = {
        (stock.site_id, stock.supplier_id): stock.location for stock in SupplierStock.objects.select_related("location")
    }
    new: list[tuple[ImportRow, tuple[Supplier, Location]]] = []
    for row in sheet.rows if sheet else ():
        supplier = work.suppliers.get(row["code"])
        if supplier is None or not row["stock"]:
            continue
        location = work.location("suppliers", row, "stock")
        if location is None:
            continue
        before = known.get((location.site_id, supplier.pk))
        if before is None or (before != location and work.update):
            new.append((row, (supplier, location)))
        elif before != location:
            note_difference(work, "suppliers", row, "stock", before, location)

    def set_all(stocks: list[tuple[Supplier, Location]]) -> list[tuple[Supplier, Location]]:
        set_supplier_stocks(stocks)
        return stocks

    work.hand_over("suppliers", new, set_all, {"location": "stock"})


def take_rules(work: Work) -> None:
    """Add transfer rules. A rule is never changed: with --update the old one ends and a new one is added."""
    active = TransferRule.objects.filter(active=True).values_list("action", "source", "target", "site")
    known = {(action, source, target) for action, source, target, _ in active}
    taken = {(action, site) for action, _, _, site in active}
    new: list[tuple[ImportRow, RuleIn]] = []
    replacing: list[tuple[ImportRow, RuleIn]] = []
    for row in work.rows("rules"):
        rule = _rule(work, row)
        if rule is None:
            continue
        single = ActionType(rule.action.type).single
        if rule.ends in known:
            work.counts["rules"].there += 1
        elif single and (rule.action.pk, rule.source.site_id) in taken:
            if work.update:
                replacing.append((row, rule))
            else:
                fault = f"{rule.action.name} has another rule in the database, and can have only one."
                work.fault("rules", row, "action", fault, UPDATE)
        else:
            new.append((row, rule))
    columns = {"code": "action"}
    work.counts["rules"].new += len(work.hand_over("rules", new, add_rules, columns))
    work.counts["rules"].changed += len(work.hand_over("rules", replacing, replace_rules, columns))


def _rule(work: Work, row: ImportRow) -> RuleIn | None:
    action = work.find("rules", row, "action", work.actions, row["action"])
    source, target = work.location("rules", row, "from"), work.location("rules", row, "to")
    if action is None or source is None or target is None:
        return None
    return RuleIn(action=action, source=source, target=target)
