"""The checks of `verify`: one module per family, each with its rules and one function over the contents."""
