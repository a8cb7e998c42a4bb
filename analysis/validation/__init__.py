"""What the metrics see: tested on sets whose truth is known."""
