"""What archives and catalogues read: a run crate, descriptions of data sets, parts, and one ZIP of it all."""
