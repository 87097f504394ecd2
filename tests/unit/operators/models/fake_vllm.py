"""The part of vLLM's interface that generation uses, over a model of transformers: same names, same conventions."""

from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace

from tests.unit.operators.models.tiny_models import byte_tokenizer


@dataclass
class SamplingParams:
    """As in vLLM, where other names are refused too."""

    temperature: float = 1.0
    max_tokens: int | None = 16
    stop: list[str] | None = None
    logprob_token_ids: list[int] | None = None
    detokenize: bool = True
    skip_special_tokens: bool = True

    def __post_init__(self) -> None:
        assert self.temperature == 0.0 or self.logprob_token_ids == [0], "sampling is not what is wanted"
        assert self.max_tokens is None or self.max_tokens >= 1


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    text: str = ""
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[dict[int, Logprob]] | None = None
    finish_reason: str | None = None
    stop_reason: int | str | None = None


class LLM:
    """Greedy decoding, one forward a token."""

    last: "LLM | None" = None

    def __init__(self, model: str, **settings: object) -> None:
        import torch  # noqa: PLC0415 -- an extra; who calls this has asked for it
        from transformers import AutoModelForCausalLM  # noqa: PLC0415 -- as above

        self._torch = torch
        self._model = AutoModelForCausalLM.from_pretrained(model).eval()
        self.settings = settings
        self.calls: list[int] = []
        context = self._model.config.max_position_embeddings
        self.llm_engine = SimpleNamespace(model_config=SimpleNamespace(max_model_len=context))
        LLM.last = self

    def generate(self, prompts, sampling_params, *, use_tqdm=True):
        assert not use_tqdm
        self.calls.append(len(prompts))
        wanted = sampling_params if isinstance(sampling_params, list) else [sampling_params] * len(prompts)
        return [
            SimpleNamespace(outputs=[self._completion(list(prompt["prompt_token_ids"]), params)], finished=True)
            for prompt, params in zip(prompts, wanted, strict=True)
        ]

    def _completion(self, ids: list[int], params: SamplingParams) -> CompletionOutput:
        output = CompletionOutput(logprobs=[] if params.logprob_token_ids else None)
        while output.finish_reason is None:
            with self._torch.inference_mode():
                logits = self._model(input_ids=self._torch.tensor([ids])).logits[0, -1].float()
            token = int(logits.argmax())
            if output.logprobs is not None:
                found = self._torch.log_softmax(logits, 0)
                output.logprobs.append({one: Logprob(float(found[one])) for one in [token, *params.logprob_token_ids]})
            ids.append(token)
            output.token_ids.append(token)
            output.text = byte_tokenizer().decode(output.token_ids) if params.detokenize else ""
            at_stop = [end for end in params.stop or [] if end in output.text]
            if token == self._model.config.eos_token_id:
                output.finish_reason = "stop"
            elif at_stop:
                output.text = output.text[: min(map(output.text.find, at_stop))]
                output.finish_reason, output.stop_reason = "stop", at_stop[0]
            elif len(output.token_ids) == params.max_tokens:
                output.finish_reason = "length"
        return output


def fake_vllm() -> ModuleType:
    """A module to put in place of vllm."""
    module = ModuleType("vllm")
    module.LLM = LLM  # type: ignore[attr-defined]
    module.SamplingParams = SamplingParams  # type: ignore[attr-defined]
    return module
