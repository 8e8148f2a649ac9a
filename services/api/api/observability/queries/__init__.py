"""The query side: it reads what the projections made of events, and changes nothing."""
