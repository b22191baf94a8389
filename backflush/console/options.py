"""The arguments and options that several commands have, named and explained once."""

from typing import Annotated, Final

import typer

NUMBER_MAX: Final = 2**63 - 1
"""No row of a database has a higher number."""

ORDER = Annotated[str, typer.Argument(metavar="ORDER", help="The works order's number.", show_default=False)]
ITEM = Annotated[str, typer.Argument(metavar="ITEM", help="The item's code.", show_default=False)]
GOOD = Annotated[str, typer.Argument(metavar="GOOD", help="Good pieces, in the order's unit.")]
QUANTITY = Annotated[
    str, typer.Argument(metavar="QUANTITY", help="How much, in the item's stock unit.", show_default=False)
]
SCRAP = Annotated[str, typer.Option(metavar="QUANTITY", help="Scrapped pieces, which used their components too.")]
SCRAP_REASON = Annotated[str, typer.Option(metavar="TEXT", help="Why they were scrapped.", show_default=False)]
BATCH = Annotated[
    str, typer.Option(metavar="BATCH", help="Which batch, where it is kept by batch.", show_default=False)
]
SERIALS = Annotated[
    list[str] | None,
    typer.Option("--serial", metavar="SERIAL", help="Which serial number; once for each piece.", show_default=False),
]
GOODS_BIN = Annotated[
    str, typer.Option(metavar="BIN", help="The bin the goods go into, where the place has bins.", show_default=False)
]
REMARKS = Annotated[str, typer.Option(metavar="TEXT", help="What is worth knowing later.", show_default=False)]

ONLY_ITEM = Annotated[str, typer.Option("--item", metavar="ITEM", help="Only this item.", show_default=False)]
ONLY_ORDER = Annotated[
    str, typer.Option("--order", metavar="ORDER", help="Only this works or purchase order.", show_default=False)
]
LIMIT = Annotated[int, typer.Option(metavar="NUMBER", min=0, max=NUMBER_MAX, help="How many to list; 0 lists all.")]
