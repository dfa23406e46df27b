"""What an editor asks about specs: findings, names and their places, completions; `server.py` answers over LSP."""
