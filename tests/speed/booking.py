"""(a) One booking with ten components, through the service."""

from backflush.works.services.booking import book_production
from tests.speed.copies import Places, with_all_in
from tests.speed.figures import Figure, Watch, counted, peak_memory_mb
from tests.speed.floor import Floor, Writings
from tests.speed.shop import Shop

ROUNDS, A_ROUND, COMPONENTS = 12, 25, 10


def one_booking(places: Places) -> list[Figure]:
    """Book on separate orders that were booked on before, with keys as the page sends them."""

    def fill() -> None:
        shop = Shop.build()
        shop.lay_in(items=20, components=COMPONENTS)
        shop.opens([(f"W-{n}", f"ITEM {n % 20}") for n in range(A_ROUND)])
        for n in range(A_ROUND):
            book_production(shop.report(f"W-{n}"), site=shop.site, by=shop.storekeeper)

    with_all_in(places, "a", fill)
    places.copy("a", "a_floor")
    places.use("a")
    shop, project, floor = Shop(), Watch(), Watch()
    raw, floor_raw = places.connect("a"), Floor(places.connect("a_floor"))
    for turn in range(ROUNDS):
        writings = Writings(raw)
        raw.rollback()
        for n in range(A_ROUND):
            report = shop.report(f"W-{n}", key=f"{turn}-{n}")
            with project.timed():
                book_production(report, site=shop.site, by=shop.storekeeper)
        for written in writings.written().in_parts(1):
            with floor.timed():
                floor_raw.write(written)
    with counted() as statements:
        book_production(shop.report("W-0", key="counted"), site=shop.site, by=shop.storekeeper)
    bookings = ROUNDS * A_ROUND
    return [
        Figure(
            "a", places.engine, f"one booking, {COMPONENTS} components", "bookings",
            bookings / project.total, bookings / floor.total,
            project.median_ms, project.p99_ms, floor.median_ms, floor.p99_ms,
            len(statements), peak_memory_mb(),
        )
    ]  # fmt: skip
