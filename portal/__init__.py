"""A consent-management and privacy-request portal: docs/map.md shows the house."""

__version__ = "0.1.0"
