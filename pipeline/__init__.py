"""The machine: documents, operators' contract, recipes, plans and their execution. Knows no particular operator."""
