"""The kernel watch over HTTP: patches, series, threads, people, figures and how fresh all that is."""
