"""The unauthenticated health check for load balancers and monitors."""
