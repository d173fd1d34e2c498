"""Any service that answers signed questions in JSON over HTTPS: found, planned, erased, corrected and told by its own code."""
