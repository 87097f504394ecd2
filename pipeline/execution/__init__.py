"""Where plans are carried out: runners, stages, exchanges, commits."""
