"""SQL for the record of an archive, computed in the database from the selected rows (`archive_goes`)."""

from typing import Final

_STOCK_KEY: Final = "item_id, location_id, bin, batch, serial"

# Numbers before the first archived movement or after the last can't lie between two archived ones.
FIRST_AND_LAST: Final = "SELECT MIN(id), MAX(id) FROM ledger_movement WHERE site_id = %s AND {chosen}"
_ENDS: Final = """
    SELECT m.id, m.posting_id, m.item_id, m.target_id AS location_id, m.target_bin AS bin, m.batch, m.serial,
           m.quantity AS change, m.target_after AS after
    FROM ledger_movement m WHERE m.site_id = %(site)s AND m.id BETWEEN %(first)s AND %(last)s
    UNION ALL
    SELECT m.id, m.posting_id, m.item_id, m.source_id, m.source_bin, m.batch, m.serial, -m.quantity, m.source_after
    FROM ledger_movement m WHERE m.site_id = %(site)s AND m.id BETWEEN %(first)s AND %(last)s
"""

# The net change of a run is the balance after its last movement less that before its first, so no sum can exceed 64
# bits. Stretches of earlier archives interrupt a run like movements that stay, so no stretch extends across another.
ADD_STRETCHES: Final = f"""
    INSERT INTO ledger_archivedstretch
        (site_id, archive_id, {_STOCK_KEY}, first, last, count, change, after)
    SELECT l.site_id, a.id, t.item_id, t.location_id, t.bin, t.batch, t.serial, t.first, t.last, t.count,
           t.after - t.before, t.after
    FROM (
        SELECT {_STOCK_KEY}, MIN(id) AS first, MAX(id) AS last, COUNT(*) AS count,
               MAX(CASE WHEN COALESCE(following, 0) = 0 THEN after END) AS after,
               MAX(CASE WHEN COALESCE(previous, 0) = 0 THEN after - change END) AS before
        FROM (
            SELECT c.*, LAG(goes) OVER pot AS previous, LEAD(goes) OVER pot AS following,
                   ROW_NUMBER() OVER pot - ROW_NUMBER() OVER (PARTITION BY {_STOCK_KEY}, goes ORDER BY id) AS island
            FROM (
                SELECT e.id, e.item_id, e.location_id, e.bin, e.batch, e.serial, e.change, e.after,
                       CASE WHEN g.id IS NULL THEN 0 ELSE 1 END AS goes
                FROM ({_ENDS}) e LEFT JOIN archive_goes g ON g.id = e.posting_id
                WHERE e.change <> 0 AND e.after IS NOT NULL
                UNION ALL
                SELECT last, {_STOCK_KEY}, change, after, 0 FROM ledger_archivedstretch
                WHERE site_id = %(site)s AND after IS NOT NULL AND last BETWEEN %(first)s AND %(last)s
            ) c
            WINDOW pot AS (PARTITION BY {_STOCK_KEY} ORDER BY id)
        ) r
        WHERE goes = 1
        GROUP BY {_STOCK_KEY}, island
    ) t
    JOIN stockmap_location l ON l.id = t.location_id
    JOIN ledger_archive a ON a.id = %(archive)s
"""

# For locations without balances, and for unresolved movements that never moved, store only that they were used.
ADD_NAMED: Final = f"""
    INSERT INTO ledger_archivedstretch (site_id, archive_id, {_STOCK_KEY}, first, last, count)
    SELECT l.site_id, a.id, e.item_id, e.location_id, '', '', '', MIN(e.id), MAX(e.id), COUNT(*)
    FROM ({_ENDS}) e
    JOIN archive_goes g ON g.id = e.posting_id
    JOIN stockmap_location l ON l.id = e.location_id
    JOIN ledger_archive a ON a.id = %(archive)s
    WHERE e.after IS NULL
    GROUP BY l.site_id, a.id, e.item_id, e.location_id
"""

ADD_RANGES: Final = """
    INSERT INTO ledger_archivedrange (site_id, archive_id, kind, first, last)
    SELECT %s, %s, %s, MIN(id), MAX(id)
    FROM (SELECT id, id - ROW_NUMBER() OVER (ORDER BY id) AS island FROM {table} WHERE site_id = %s AND {chosen}) n
    GROUP BY island
"""

ADD_WORKS_ORDERS: Final = """
    INSERT INTO ledger_archivedorder (site_id, archive_id, kind, number)
    SELECT %s, %s, %s, number FROM works_worksorder
    WHERE site_id = %s AND job_id IN (SELECT -id FROM archive_goes WHERE id < 0)
"""

ADD_PURCHASE_ORDERS: Final = """
    INSERT INTO ledger_archivedorder (site_id, archive_id, kind, number)
    SELECT %s, %s, %s, number FROM subcontract_purchaseorder
    WHERE site_id = %s AND id IN (
        SELECT order_id FROM subcontract_purchaseorderline
        WHERE job_id IN (SELECT -id FROM archive_goes WHERE id < 0))
"""

ADD_KEYS: Final = """
    INSERT INTO ledger_archivedkey (site_id, archive_id, key_id, posting)
    SELECT site_id, %s, key_id, id FROM ledger_posting
    WHERE site_id = %s AND key_id IS NOT NULL AND id IN (SELECT id FROM archive_goes WHERE id > 0)
"""
