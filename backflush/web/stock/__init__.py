"""Pages for stock: transactions, movements, balances, moves by hand, opening stock, transfers, the stock map."""
