"""Arguments and options that several commands share."""

from typing import Annotated, Final

import typer

NUMBER_MAX: Final = 2**63 - 1
"""The largest primary key of a database row."""

ORDER = Annotated[str, typer.Argument(metavar="ORDER", help="The works order number.", show_default=False)]
ITEM = Annotated[str, typer.Argument(metavar="ITEM", help="The item code.", show_default=False)]
GOOD = Annotated[str, typer.Argument(metavar="GOOD", help="The good quantity, in the order's unit.")]
QUANTITY = Annotated[
    str, typer.Argument(metavar="QUANTITY", help="The quantity, in the item's stock unit.", show_default=False)
]
SCRAP = Annotated[str, typer.Option(metavar="QUANTITY", help="The scrapped quantity. Scrap used its components too.")]
SCRAP_REASON = Annotated[str, typer.Option(metavar="TEXT", help="The scrap reason.", show_default=False)]
BATCH = Annotated[str, typer.Option(metavar="BATCH", help="The batch, for items tracked by batch.", show_default=False)]
SERIALS = Annotated[
    list[str] | None,
    typer.Option(
        "--serial", metavar="SERIAL", help="A serial number. Repeat the option for each piece.", show_default=False
    ),
]
GOODS_BIN = Annotated[
    str, typer.Option(metavar="BIN", help="The bin for the goods, at a bin-controlled location.", show_default=False)
]
REMARKS = Annotated[str, typer.Option(metavar="TEXT", help="Remarks, kept with the posting.", show_default=False)]

ONLY_ITEM = Annotated[str, typer.Option("--item", metavar="ITEM", help="Only this item.", show_default=False)]
ONLY_ORDER = Annotated[
    str, typer.Option("--order", metavar="ORDER", help="Only this works or purchase order.", show_default=False)
]
LIMIT = Annotated[int, typer.Option(metavar="NUMBER", min=0, max=NUMBER_MAX, help="How many to list. 0 lists all.")]
