"""Batches of water kefir on the counter, through two stages: the open ferment, then the bottles."""
