"""Imports of master data, stock, orders and bookings from CSV files or a workbook.

Every row is checked first; where one is wrong, every fault is listed and nothing is changed. Rows are then handed to
the services that people use, so an import has no business rules of its own.

- `columns`: the declaration of each table; `cell_types`: how a cell is read
- `text_files`, `spreadsheets` with `number_formats`: read files into rows of cells as they are shown
- `words`, `column_matches`, `file_shapes`: which column of a file from elsewhere is which, and how it was the last time
- `layout`: turns the rows of such a file into rows of a table: units, levels, parents, line numbers
- `files`: puts these together; `findings`: what is wrong, where, and what to do
- `context`: what is known while an import runs
- `master_data`, `links`, `structures`, `stock`, `orders`, `bookings`: the tables, in the order of import
- `services`: a whole import; `templates`: empty files to begin with
- `exports`: what the plant has, in the same columns
"""
