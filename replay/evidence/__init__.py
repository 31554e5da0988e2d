"""Evidence: a record's history with all that it takes to verify it offline."""
