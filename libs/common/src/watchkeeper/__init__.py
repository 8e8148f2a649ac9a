"""What the services of Watchkeeper share."""
