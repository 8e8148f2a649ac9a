"""Everything a person has, as one table to take away."""
