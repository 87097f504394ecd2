"""Decoding one token at a time, each from a forward over all that stands before it: what generators must equal."""

from operators.models.generation import Finish
from operators.models.grammar import Choice
from tests.unit.operators.models.tiny_models import CONTEXT, byte_tokenizer

END = 1
TEXTS = ("Rate: abc -> ", "Rate: abc, a longer text -> ", "Rate:  -> ", "Rate: x -> ", "Rate: abc -> ", "Ra -> ")
LINES = (Choice(tuple("ABCD")), "\n", Choice(tuple("12345")), "\n", Choice(tuple("12345")))
RAGGED = ("<", Choice(("keep()", "drop all()", "x")), ";", Choice(("yes", "no")), ">")


def encode(text):
    return byte_tokenizer().encode(text, add_special_tokens=False).ids


def prompts(texts=TEXTS):
    return [encode(text) for text in texts]


def causal_model(folder):
    import torch  # noqa: PLC0415 -- an extra; who calls this has asked for it
    from transformers import AutoModelForCausalLM  # noqa: PLC0415 -- as above

    torch.set_num_threads(1)  # a model of this size only waits for other threads
    return AutoModelForCausalLM.from_pretrained(folder).eval()


def next_logits(model, ids):
    import torch  # noqa: PLC0415 -- as above

    with torch.inference_mode():
        return model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].double()


def chosen_by_hand(model, prompt, grammar):
    """Numbers of the options, and the least mass of all choices."""
    ids, options, least = [*prompt, *grammar.opening], [], 1.0
    for choice in grammar.choices:
        allowed = next_logits(model, ids).softmax(0)[list(choice.first_tokens)]
        least = min(least, float(allowed.sum()))
        options.append(int(allowed.argmax()))
        ids += [*choice.options[options[-1]], *choice.then]
    return tuple(options), least


def written_by_hand(model, prompt, max_tokens, ends=frozenset({END})):
    """Ids of the text, and why it ends."""
    ids = []
    while len(ids) < max_tokens and len(prompt) + len(ids) < CONTEXT:
        token = int(next_logits(model, [*prompt, *ids]).argmax())
        if token in ends:
            return ids, Finish.STOP
        ids.append(token)
    return ids, Finish.LENGTH
