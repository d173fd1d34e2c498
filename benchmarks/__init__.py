"""`make bench`: every figure that we state, measured beside its baseline in the same run, on a fresh process.

Real keys, encryption and log; the rows stored are printed. Written as a table and to benchmarks/results.json.
"""
