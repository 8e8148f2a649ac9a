"""Requests that were refused before any function was asked, as the API's access log has them."""
