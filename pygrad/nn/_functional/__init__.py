"""The families of :mod:`pygrad.nn.functional`, one module each."""
