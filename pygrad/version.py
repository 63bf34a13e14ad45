"""The version of pygrad; the build reads it from here."""

__version__ = "0.1.0"

# What PyTorch's version module answers too: which CUDA the build has is `pygrad.cuda`'s to say.
cuda = None
hip = None
xpu = None
debug = False
git_version = "unknown"
