"""The command side: requests of people and programs, which aggregates decide on."""
