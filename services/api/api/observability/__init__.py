"""The observability watch: commands that change what it knows, queries that read it, and each with a function of its
own."""
