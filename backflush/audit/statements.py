"""The SQL of the verification, by name. Each query returns faults only, so it returns nothing for a valid ledger.

Whole units and millionths are summed separately, because a sum of millionths could exceed 64 bits on SQLite. Archived
movements are represented by their stretches, each like one movement in the history of its balance.
"""

WHOLE = 1_000_000

_STOCK_KEY = "site_id, item_id, location_id, bin, batch, serial"

_CHANGES = """
    SELECT id, site_id, item_id, target_id AS location_id, target_bin AS bin, batch, serial,
           quantity AS change, target_after AS after
    FROM ledger_movement WHERE quantity > 0
    UNION ALL
    SELECT id, site_id, item_id, source_id, source_bin, batch, serial, -quantity, source_after
    FROM ledger_movement WHERE quantity > 0
    UNION ALL
    SELECT last, site_id, item_id, location_id, bin, batch, serial, change, after
    FROM ledger_archivedstretch WHERE after IS NOT NULL
"""

BALANCES_AGAINST_MOVEMENTS = f"""
    SELECT i.code, l.path, d.bin, d.batch, d.serial, d.whole, d.part
    FROM (
        SELECT {_STOCK_KEY}, SUM(whole) AS whole, SUM(part) AS part
        FROM (
            SELECT {_STOCK_KEY}, change / {WHOLE} AS whole, change % {WHOLE} AS part FROM ({_CHANGES}) c
            UNION ALL
            SELECT {_STOCK_KEY}, -(quantity / {WHOLE}), -(quantity % {WHOLE}) FROM ledger_balance
        ) u
        GROUP BY {_STOCK_KEY}
        HAVING SUM(whole) * {WHOLE} + SUM(part) <> 0
    ) d
    JOIN items_item i ON i.id = d.item_id
    JOIN stockmap_location l ON l.id = d.location_id AND l.has_balance
    ORDER BY i.code, l.path
"""

IMPOSSIBLE_BALANCES = """
    SELECT i.code, l.path, b.bin, b.batch, b.serial, b.quantity
    FROM ledger_balance b
    JOIN items_item i ON i.id = b.item_id
    JOIN stockmap_location l ON l.id = b.location_id
    WHERE b.quantity < 0 OR (b.serial <> '' AND b.quantity > 1000000) OR (b.quantity <> 0 AND NOT l.has_balance)
    ORDER BY i.code, l.path
"""

SERIALS_IN_TWO_PLACES = """
    SELECT i.code, b.serial, COUNT(*)
    FROM ledger_balance b JOIN items_item i ON i.id = b.item_id
    WHERE b.serial <> '' AND b.quantity > 0
    GROUP BY b.site_id, i.code, b.serial HAVING COUNT(*) > 1
    ORDER BY i.code, b.serial
"""

ITEMS_IN_AGAINST_OUT = f"""
    SELECT i.code, d.whole, d.part
    FROM (
        SELECT site_id, item_id, SUM(whole) AS whole, SUM(part) AS part
        FROM (
            SELECT m.site_id, m.item_id, m.quantity / {WHOLE} AS whole, m.quantity % {WHOLE} AS part
            FROM ledger_movement m
            JOIN stockmap_location s ON s.id = m.source_id AND NOT s.has_balance
            JOIN stockmap_location t ON t.id = m.target_id AND t.has_balance
            UNION ALL
            SELECT m.site_id, m.item_id, -(m.quantity / {WHOLE}), -(m.quantity % {WHOLE})
            FROM ledger_movement m
            JOIN stockmap_location s ON s.id = m.source_id AND s.has_balance
            JOIN stockmap_location t ON t.id = m.target_id AND NOT t.has_balance
            UNION ALL
            SELECT site_id, item_id, change / {WHOLE}, change % {WHOLE}
            FROM ledger_archivedstretch WHERE after IS NOT NULL
            UNION ALL
            SELECT site_id, item_id, -(quantity / {WHOLE}), -(quantity % {WHOLE}) FROM ledger_balance
        ) u
        GROUP BY site_id, item_id
        HAVING SUM(whole) * {WHOLE} + SUM(part) <> 0
    ) d
    JOIN items_item i ON i.id = d.item_id
    ORDER BY i.code
"""

BROKEN_CHAINS = f"""
    SELECT c.id, i.code, l.path, c.before, c.change, c.after
    FROM (
        SELECT id, item_id, location_id, change, after,
               COALESCE(LAG(after) OVER (PARTITION BY {_STOCK_KEY} ORDER BY id), 0) AS before
        FROM ({_CHANGES}) u
    ) c
    JOIN items_item i ON i.id = c.item_id
    JOIN stockmap_location l ON l.id = c.location_id
    WHERE (l.has_balance AND (c.after IS NULL OR c.after <> c.before + c.change))
       OR (NOT l.has_balance AND c.after IS NOT NULL)
    ORDER BY c.id
"""

UNSETTLED = """
    SELECT m.id, i.code, m.status
    FROM ledger_movement m
    JOIN items_item i ON i.id = m.item_id
    LEFT JOIN unresolved_settlement s ON s.movement_id = m.id AND s.undone_by_id IS NULL
    LEFT JOIN unresolved_settlement k ON k.kept_id = m.id AND k.undone_by_id IS NOT NULL
    WHERE m.due IS NOT NULL
    GROUP BY m.id, i.code, m.status
    HAVING NOT (
        (m.status = 'unresolved' AND COUNT(s.id) = 0)
        OR (m.status = 'resolved' AND COUNT(s.id) = 1 AND MIN(s.outcome) = 'resolved')
        OR (m.status = 'cancelled' AND COUNT(s.id) = 1 AND MIN(s.outcome) = 'cancelled' AND MIN(s.remarks) <> '')
        OR (m.status = 'withdrawn' AND COUNT(s.id) = 0 AND COUNT(k.id) = 1)
    )
    ORDER BY m.id
"""

SETTLEMENTS_AGAINST_MOVEMENTS = """
    SELECT s.id, i.code, m.id, m.due, s.moved, s.dropped, COALESCE(k.due, 0), COALESCE(r.moved, 0)
    FROM unresolved_settlement s
    JOIN ledger_movement m ON m.id = s.movement_id
    JOIN items_item i ON i.id = m.item_id
    LEFT JOIN ledger_movement k ON k.id = s.kept_id
    LEFT JOIN (
        SELECT posting_id, resolves_id, SUM(quantity) AS moved
        FROM ledger_movement WHERE resolves_id IS NOT NULL GROUP BY posting_id, resolves_id
    ) r ON r.posting_id = s.posting_id AND r.resolves_id = s.movement_id
    WHERE s.moved <> COALESCE(r.moved, 0)
       OR (s.outcome = 'resolved' AND m.due <> s.moved + s.dropped + COALESCE(k.due, 0))
       OR (s.outcome = 'cancelled' AND (s.moved <> 0 OR s.dropped <> 0 OR s.kept_id IS NOT NULL))
    ORDER BY s.id
"""

UNEQUAL_MIRRORS = """
    SELECT b.id, i.code, a.id
    FROM ledger_movement b
    JOIN ledger_movement a ON a.id = b.reverses_id
    JOIN items_item i ON i.id = b.item_id
    WHERE a.item_id <> b.item_id OR a.quantity <> b.quantity OR a.cost_id <> b.cost_id OR a.charged <> -b.charged
       OR a.source_id <> b.target_id OR a.source_bin <> b.target_bin OR a.target_id <> b.source_id
       OR a.target_bin <> b.source_bin OR a.batch <> b.batch OR a.serial <> b.serial
       OR a.reverses_id IS NOT NULL OR COALESCE(a.job_id, 0) <> COALESCE(b.job_id, 0)
    ORDER BY b.id
"""

MIRRORED_TWICE = """
    SELECT i.code, m.reverses_id, COUNT(*)
    FROM ledger_movement m JOIN items_item i ON i.id = m.item_id
    WHERE m.reverses_id IS NOT NULL
    GROUP BY i.code, m.reverses_id HAVING COUNT(*) > 1
    ORDER BY m.reverses_id
"""

LEFT_STANDING = """
    SELECT m.id, i.code, m.status, p.id
    FROM ledger_posting p
    JOIN ledger_movement m ON m.posting_id = p.id
    JOIN items_item i ON i.id = m.item_id
    LEFT JOIN ledger_movement b ON b.reverses_id = m.id
    WHERE EXISTS (SELECT 1 FROM ledger_posting r WHERE r.reverses_id = p.id)
      AND ((m.status = 'ok' AND b.id IS NULL) OR (m.status = 'unresolved' AND m.resolves_id IS NULL
           AND p.process <> 'resolution'))
    UNION ALL
    SELECT m.id, i.code, m.status, o.posting_id
    FROM ledger_movement m
    JOIN ledger_movement o ON o.id = m.origin_id
    JOIN items_item i ON i.id = m.item_id
    LEFT JOIN ledger_movement b ON b.reverses_id = m.id
    WHERE EXISTS (SELECT 1 FROM ledger_posting r WHERE r.reverses_id = o.posting_id)
      AND m.reverses_id IS NULL
      AND ((m.status = 'ok' AND b.id IS NULL) OR m.status = 'unresolved')
"""

# Bookings are summed first. Joined one by one, SQLite without statistics scans all bookings that weren't reversed for
# each order, which took over seven minutes for 72,591 of them.
COST_OBJECTS_AGAINST_BOOKINGS = """
    SELECT j.number, j.good, j.scrap, j.produced, COALESCE(b.good, 0), COALESCE(b.scrap, 0), COALESCE(b.produced, 0)
    FROM ledger_job j
    LEFT JOIN (
        SELECT site_id, job_id, SUM(good) AS good, SUM(scrap) AS scrap,
               SUM(CASE WHEN assumed THEN quantity ELSE 0 END) AS produced
        FROM backflushing_booking WHERE reversed_by_id IS NULL AND job_id IS NOT NULL
        GROUP BY site_id, job_id
    ) b ON b.job_id = j.id AND b.site_id = j.site_id
    WHERE j.good <> COALESCE(b.good, 0) OR j.scrap <> COALESCE(b.scrap, 0) OR j.produced <> COALESCE(b.produced, 0)
    ORDER BY j.number
"""

POSTINGS_WITHOUT_BOOKING = """
    SELECT p.id, p.process, COUNT(b.id)
    FROM ledger_posting p LEFT JOIN backflushing_booking b ON b.posting_id = p.id
    GROUP BY p.id, p.process
    HAVING COUNT(b.id) <> CASE WHEN p.process IN ('works order', 'goods received', 'production') THEN 1 ELSE 0 END
    ORDER BY p.id
"""

KEYS_WITHOUT_POSTING = """
    SELECT k.key, k.operation
    FROM ledger_key k LEFT JOIN ledger_posting p ON p.key_id = k.id
    LEFT JOIN ledger_archivedkey a ON a.key_id = k.id AND a.site_id = k.site_id
    WHERE p.id IS NULL AND a.id IS NULL
    ORDER BY k.id
"""

REVERSED_BOOKINGS_WITHOUT_REVERSAL = """
    SELECT b.posting_id
    FROM backflushing_booking b
    LEFT JOIN ledger_posting r ON r.reverses_id = b.posting_id
    WHERE COALESCE(b.reversed_by_id, 0) <> COALESCE(r.id, 0)
    ORDER BY b.posting_id
"""

# Each closing is compared with the previous one and the movements in between, so each movement is read once for all
# closings. SQLite keeps the order of a cross join: closing by closing along the index of time. Balances before the last
# archive can't be computed without its file, so the comparison begins with the first closing after it.
PERIOD_BALANCES_AGAINST_MOVEMENTS = f"""
    WITH a AS (SELECT site_id, MAX(until) AS until FROM ledger_archive WHERE brought_back_at IS NULL GROUP BY site_id),
    c AS (
        SELECT p.id, p.site_id, p.through, p.until, LAG(p.id) OVER w AS earlier,
               COALESCE(LAG(p.until) OVER w, '0001-01-01 00:00:00+00') AS since
        FROM ledger_periodclosing p LEFT JOIN a ON a.site_id = p.site_id
        WHERE p.reopened_at IS NULL AND p.counted_at IS NOT NULL AND (a.until IS NULL OR p.until >= a.until)
        WINDOW w AS (PARTITION BY p.site_id ORDER BY p.until)
    )
    SELECT i.code, l.path, d.bin, d.batch, d.serial, c.through, d.whole, d.part
    FROM (
        SELECT closing, site_id, item_id, location_id, bin, batch, serial, SUM(whole) AS whole, SUM(part) AS part
        FROM (
            SELECT c.id AS closing, m.site_id, m.item_id, m.target_id AS location_id, m.target_bin AS bin, m.batch,
                   m.serial, m.quantity / {WHOLE} AS whole, m.quantity % {WHOLE} AS part
            FROM c CROSS JOIN ledger_movement m
            WHERE m.site_id = c.site_id AND m.at >= c.since AND m.at < c.until AND m.quantity > 0
            UNION ALL
            SELECT c.id, m.site_id, m.item_id, m.source_id, m.source_bin, m.batch, m.serial,
                   -(m.quantity / {WHOLE}), -(m.quantity % {WHOLE})
            FROM c CROSS JOIN ledger_movement m
            WHERE m.site_id = c.site_id AND m.at >= c.since AND m.at < c.until AND m.quantity > 0
            UNION ALL
            SELECT c.id, b.{_STOCK_KEY.replace(", ", ", b.")}, b.quantity / {WHOLE}, b.quantity % {WHOLE}
            FROM c JOIN ledger_periodbalance b ON b.closing_id = c.earlier AND b.site_id = c.site_id
            UNION ALL
            SELECT c.id, b.{_STOCK_KEY.replace(", ", ", b.")}, -(b.quantity / {WHOLE}), -(b.quantity % {WHOLE})
            FROM c JOIN ledger_periodbalance b ON b.closing_id = c.id AND b.site_id = c.site_id
            UNION ALL
            SELECT c.id, s.{_STOCK_KEY.replace(", ", ", s.")}, s.change / {WHOLE}, s.change % {WHOLE}
            FROM c JOIN ledger_archivedstretch s ON s.site_id = c.site_id AND c.earlier IS NULL AND s.after IS NOT NULL
        ) u
        GROUP BY closing, site_id, item_id, location_id, bin, batch, serial
        HAVING SUM(whole) * {WHOLE} + SUM(part) <> 0
    ) d
    JOIN c ON c.id = d.closing
    JOIN items_item i ON i.id = d.item_id
    JOIN stockmap_location l ON l.id = d.location_id AND l.has_balance
    ORDER BY c.until, i.code, l.path
"""

_BY_PLACE = """
    SELECT m.site_id, m.id, m.at, m.item_id, m.target_id AS location_id, m.quantity AS change
    FROM ledger_movement m JOIN stockmap_location l ON l.id = m.target_id AND l.has_balance
    WHERE m.quantity > 0 AND m.site_id = %s
    UNION ALL
    SELECT m.site_id, m.id, m.at, m.item_id, m.source_id, -m.quantity
    FROM ledger_movement m JOIN stockmap_location l ON l.id = m.source_id AND l.has_balance
    WHERE m.quantity > 0 AND m.site_id = %s
"""

# A balance is below 10 to the 12th, so sums of millionths fit 64 bits here. Movements of the same moment count in the
# order of recording.
BELOW_ZERO_BY_EVENT_TIME = f"""
    SELECT item_id, location_id, MIN(total), MIN(at), COUNT(*)
    FROM (
        SELECT item_id, location_id, at,
               SUM(change) OVER (PARTITION BY item_id, location_id ORDER BY at, id
                                 ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS total
        FROM ({_BY_PLACE}) c
    ) t
    WHERE total < 0 AND at >= %s AND at < %s
    GROUP BY item_id, location_id
    ORDER BY item_id, location_id
"""
