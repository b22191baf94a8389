"""Importing: bringing one's own data, from CSV files or a workbook.

Here live the tables that an import knows (`tables`), reading them (`reading`), what was found wrong (`findings`),
and carrying an import out (`services`): every row is checked first, and where one is wrong nothing is changed. The
rules are those of the rooms below, which take what is imported by the same services as everyone; what is repeated
here is none of them. How bookings and orders are posted lives in `works` and `subcontract`.

- `tables`: one declaration for each file
- `cells`: what stands in a cell, as a value
- `reading`: files into rows
- `findings`: what is wrong, where, and what to do
- `work`: what is known while an import runs, and handing rows over to the rooms
- `masters`, `structures`, `stock`, `orders`, `bookings`: the tables, in the order in which they are taken
- `services`: the whole of an import
- `templates`: files to begin with
"""
