from collections.abc import Sequence

from django.db.models import QuerySet

from backflush.core.refusals import NotFound
from backflush.stockmap.models import Site
from backflush.works.models import WorksOrder


def orders_numbered(site: Site, numbers: Sequence[str], *, among: QuerySet[WorksOrder]) -> list[WorksOrder]:
    """Works orders with their jobs and all that booking needs, in the order asked; read in the order of record."""
    found = {
        order.number: order
        for order in among.filter(site=site, number__in=set(numbers))
        .select_related(
            "job",
            "structure",
            "unit",
            "item__stock_unit",
            "item__type_code__completion",
            "item__type_code__backflush",
            "item__type_code__issue",
            "item__type_code__return_action",
        )
        .order_by("pk")
    }
    missing = [number for number in dict.fromkeys(numbers) if number not in found]
    if missing:
        raise NotFound(f"There is no works order {', '.join(missing)}.", field="order")
    return [found[number] for number in numbers]
