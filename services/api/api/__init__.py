"""The service that meets people: the HTTP API over what ingest keeps."""
