"""Tools for running Watchkeeper on one machine; nothing here is deployed."""
