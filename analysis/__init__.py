"""From feature vectors and recorded numbers to tables, figures and the report. Nothing here needs torch."""
