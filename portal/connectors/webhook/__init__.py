"""Any service that takes signed messages (Standard Webhooks): it hears of consents and deletions, and holds nothing to search."""
