"""Whether the system answers, for machines that have not signed in."""
