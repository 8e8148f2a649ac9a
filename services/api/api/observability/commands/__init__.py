"""The command side: what people and programs tell, which aggregates decide about."""
