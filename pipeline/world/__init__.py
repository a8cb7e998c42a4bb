"""The painted world: scenes whose factors are known, and their renderer."""
