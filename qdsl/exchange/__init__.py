"""Specs from and for other tools: Timeloop, ZigZag, AccelForge."""
