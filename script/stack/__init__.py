"""The running stack: the server, a real Prometheus, a load generator, and what they report.

`script/run`, `script/bench` and the tests start the same things; they share this package. It needs
nothing but Python's standard library.
"""
