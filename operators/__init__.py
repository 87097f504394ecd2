"""The knowledge: one folder a task, one operator or one published rule set a file."""
