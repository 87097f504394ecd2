"""What people run: the command line, recipes, submission and schedules."""
