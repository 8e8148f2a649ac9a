"""The kernel watch over HTTP: patches, series, threads, people, statistics, and the freshness of all that."""
