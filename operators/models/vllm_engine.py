"""Decodes with vLLM, by `Generator`'s contract. Loads vllm: import it when an operator opens.

Choices are not left to vLLM's structured outputs: those mask logits before their log probabilities are taken, so the
mass of what is allowed would always be 1. A choice is a request for one token that asks for the log probabilities of
its options; vLLM's prefix cache keeps what a row has read from one choice to the next, and what all prompts begin with.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from vllm import LLM, SamplingParams

from operators.models.generation import ChosenAnswer, Finish, Generation, Prompts
from operators.models.settings import ModelSettings
from pipeline.errors import PlanError
from pipeline.folder_ref import FolderRef

if TYPE_CHECKING:
    from operators.models.grammar import GrammarTokens

_FINISHES: Final = {"stop": Finish.STOP, "length": Finish.LENGTH}


class VllmGenerator:
    """A causal model that vLLM runs."""

    def __init__(self, operator: str, model: FolderRef, settings: ModelSettings) -> None:
        _refuse_old(operator)
        budget = {} if settings.batch_tokens is None else {"max_num_batched_tokens": settings.batch_tokens}
        self._llm = LLM(
            model=str(model.open_path()),
            dtype=settings.dtype,
            enable_prefix_caching=True,
            trust_remote_code=False,
            seed=0,
            **budget,
        )
        self.context: int = self._llm.llm_engine.model_config.max_model_len

    def choose(self, prompts: Prompts, grammar: "GrammarTokens") -> list[ChosenAnswer | None]:
        """The answer to each prompt, chosen part by part; None where prompt and answer exceed the context."""
        answers: list[ChosenAnswer | None] = [None] * len(prompts)
        fitting = [row for row, prompt in enumerate(prompts) if len(prompt) + grammar.max_tokens <= self.context]
        read = [[*prompts[row], *grammar.opening] for row in fitting]
        options: list[list[int]] = [[] for _ in fitting]
        masses = [1.0 for _ in fitting]
        for choice in grammar.choices:
            wanted = SamplingParams(
                temperature=0.0, max_tokens=1, logprob_token_ids=list(choice.first_tokens), detokenize=False
            )
            for row, output in enumerate(self._outputs(read, wanted)):
                log_probabilities = [output.logprobs[0][token].logprob for token in choice.first_tokens]
                option = log_probabilities.index(max(log_probabilities))
                options[row].append(option)
                masses[row] = min(masses[row], math.fsum(map(math.exp, log_probabilities)))
                read[row] += [*choice.options[option], *choice.then]
        for row, chosen, mass in zip(fitting, options, masses, strict=True):
            answers[row] = ChosenAnswer(tuple(chosen), mass)
        return answers

    def write(self, prompts: Prompts, *, max_tokens: int, stop: Sequence[str] = ()) -> list[Generation]:
        """What the model writes behind each prompt: at most `max_tokens`, up to the first text of `stop`."""
        texts = [Generation("", 0, Finish.OVERLONG)] * len(prompts)
        fitting = [row for row, prompt in enumerate(prompts) if len(prompt) < self.context]
        wanted = [
            SamplingParams(
                temperature=0.0, max_tokens=min(max_tokens, self.context - len(prompts[row])), stop=list(stop)
            )
            for row in fitting
        ]
        for row, output in zip(fitting, self._outputs([prompts[row] for row in fitting], wanted), strict=True):
            finish = _FINISHES[output.finish_reason]
            # Tokens include the one by which the model ended; a stop string is told by its text.
            is_ended = finish is Finish.STOP and not isinstance(output.stop_reason, str)
            texts[row] = Generation(output.text, len(output.token_ids) - is_ended, finish)
        return texts

    def _outputs(self, prompts: Prompts, wanted: Any) -> list[Any]:  # Any: vLLM's own classes
        """The completion of each prompt, in their order."""
        if not prompts:
            return []
        given = [{"prompt_token_ids": list(prompt)} for prompt in prompts]
        return [request.outputs[0] for request in self._llm.generate(given, wanted, use_tqdm=False)]


def _refuse_old(operator: str) -> None:
    """Versions that cannot give the log probabilities of tokens that one names."""
    try:
        SamplingParams(logprob_token_ids=[0])
    except TypeError as error:
        raise PlanError(
            f"{operator}: expected a vllm whose SamplingParams take logprob_token_ids; found an older one; upgrade vllm"
        ) from error
