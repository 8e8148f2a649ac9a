"""The query side: it reads the rows that projections have written, and changes nothing."""
