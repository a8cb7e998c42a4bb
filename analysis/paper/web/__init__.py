"""The parts of the web page: its finding, pictures, scatter and tables."""
