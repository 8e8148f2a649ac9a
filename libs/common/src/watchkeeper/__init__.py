"""The code that Watchkeeper's services share."""
