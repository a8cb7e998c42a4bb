"""Every method on one table: ranks, privileges, submissions."""
