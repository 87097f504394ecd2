"""A generator that answers what a test says, and remembers what it was asked."""

from operators.models.generation import ChosenAnswer, Finish, Generation


class Scripted:
    def __init__(self, *answers, context=10_000):
        self.answers = answers
        self.context = context
        self.prompts = []

    def write(self, prompts, *, max_tokens, stop=()):
        del stop
        self.max_tokens = max_tokens
        self.prompts += prompts
        return [
            Generation("", 0, Finish.OVERLONG) if len(prompt) >= self.context else self.answers[at % len(self.answers)]
            for at, prompt in enumerate(prompts)
        ]

    def choose(self, prompts, grammar):
        assert len(grammar.choices) == 1
        self.prompts += prompts
        return [
            None if len(prompt) >= self.context else ChosenAnswer((self.answers[at % len(self.answers)],), 1.0)
            for at, prompt in enumerate(prompts)
        ]


def written(text, finish=Finish.STOP):
    return Generation(text, len(text), finish)
