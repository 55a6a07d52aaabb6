"""script/bench: what a request costs the server, beside the kernel's floor and other servers."""
