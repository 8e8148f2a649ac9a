"""What each function of the observability watch needs, built from its settings once per execution environment.

Each function has its own module here, so that a cold start imports nothing that it does not need.
"""
