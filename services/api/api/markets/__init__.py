"""The markets watch over HTTP: assets, what their companies report, their news, and how fresh all that is."""
