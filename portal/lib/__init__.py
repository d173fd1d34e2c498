"""Small tools that know nothing of the portal: clock, ids, errors, outbound HTTP, text."""
