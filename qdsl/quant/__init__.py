"""Networks with quantised values: data, training, and the errors they make."""
