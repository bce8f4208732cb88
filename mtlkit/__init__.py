"""mtlkit: declarative multi-task learning for text."""
