"""The demo company, Blue Bird Books: made by calling the rooms' verbs on chosen days, always the same from one seed."""
