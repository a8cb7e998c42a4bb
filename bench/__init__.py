"""Speed and memory, measured on request by `make bench`; no test is timed."""
