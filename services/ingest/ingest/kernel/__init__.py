"""Facts of the kernel watch: collected, linked, stored."""
