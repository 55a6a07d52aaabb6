"""Manual pages and completions: the parts of them that follow from --help and from meter.h."""
